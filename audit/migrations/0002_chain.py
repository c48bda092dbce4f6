from pathlib import Path

from django.db import migrations

DROP = """
DROP TRIGGER audit_stamp ON audit_auditentry;
DROP TRIGGER audit_link ON audit_auditentry;
DROP TRIGGER audit_refuse ON audit_auditentry;
DROP TRIGGER audit_refuse ON audit_chainlink;
DROP TRIGGER audit_refuse ON audit_chainhead;
DROP FUNCTION audit_link, audit_stamp, audit_refuse;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), DROP)]
