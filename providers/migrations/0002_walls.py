"""What only SQL can say: a provider's credit code is right."""

from django.db import migrations

# GB 32100-2015, the same rule as applicants/uscc.py: the alphabet, and a sum that 31 divides. Written out, so
# that the check needs no function and the runtime role no right to call one.
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28, 1]
SUM = " + ".join(
    f"(strpos('{ALPHABET}', substr(uscc, {place}, 1)) - 1) * {weight}" for place, weight in enumerate(WEIGHTS, start=1)
)
USCC_IS_VALID = f"uscc ~ '^[{ALPHABET}]{{2}}[0123456789]{{6}}[{ALPHABET}]{{10}}$' AND ({SUM}) % 31 = 0"

ADD = f"ALTER TABLE providers_provider ADD CONSTRAINT provider_uscc_valid CHECK ({USCC_IS_VALID})"
DROP = "ALTER TABLE providers_provider DROP CONSTRAINT provider_uscc_valid"


class Migration(migrations.Migration):
    dependencies = [("providers", "0001_initial")]

    operations = [migrations.RunSQL(ADD, DROP)]
