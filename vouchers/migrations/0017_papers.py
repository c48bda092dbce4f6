"""The audit trail says of every printed paper what its sha256 is; of those printed before, too."""

from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("vouchers", "0016_swift")]

    operations = [
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), migrations.RunSQL.noop),
    ]
