"""What only SQL can say: credit codes are right, one name and one account a day."""

from django.db import migrations

# GB 32100-2015, the same rule as applicants/uscc.py: the alphabet, and a sum that 31 divides. Written out, so
# that the check needs no function and the runtime role no right to call one.
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28, 1]
SUM = " + ".join(
    f"(strpos('{ALPHABET}', substr(uscc, {place}, 1)) - 1) * {weight}" for place, weight in enumerate(WEIGHTS, start=1)
)
USCC_IS_VALID = f"uscc ~ '^[{ALPHABET}]{{2}}[0123456789]{{6}}[{ALPHABET}]{{10}}$' AND ({SUM}) % 31 = 0"

ADD = f"""
ALTER TABLE applicants_organisation ADD CONSTRAINT organisation_uscc_valid CHECK ({USCC_IS_VALID});
ALTER TABLE applicants_sanction ADD CONSTRAINT sanction_uscc_valid CHECK ({USCC_IS_VALID});
ALTER TABLE applicants_organisationname ADD CONSTRAINT organisation_one_name_a_day EXCLUDE USING gist (
    int8range(organisation_id, organisation_id, '[]') WITH &&,
    daterange(valid_from, valid_until, '[)') WITH &&
);
ALTER TABLE applicants_bankaccount ADD CONSTRAINT bank_account_one_at_a_time EXCLUDE USING gist (
    int8range(organisation_id, organisation_id, '[]') WITH &&,
    daterange(valid_from, valid_until, '[)') WITH &&
)
"""
DROP = """
ALTER TABLE applicants_organisation DROP CONSTRAINT organisation_uscc_valid;
ALTER TABLE applicants_sanction DROP CONSTRAINT sanction_uscc_valid;
ALTER TABLE applicants_organisationname DROP CONSTRAINT organisation_one_name_a_day;
ALTER TABLE applicants_bankaccount DROP CONSTRAINT bank_account_one_at_a_time
"""


class Migration(migrations.Migration):
    dependencies = [("applicants", "0001_initial")]

    operations = [migrations.RunSQL(ADD, DROP)]
