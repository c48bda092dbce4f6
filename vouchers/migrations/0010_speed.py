"""What makes a step quick: see 0010_speed.sql."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0009_half_typed")]
    operations = []
