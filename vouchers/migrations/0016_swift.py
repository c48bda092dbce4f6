"""A claim's state is held against its latest event by the event's key alone."""

from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("vouchers", "0015_bounds")]

    operations = [
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), migrations.RunSQL.noop),
    ]
