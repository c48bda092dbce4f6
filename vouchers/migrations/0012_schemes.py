"""The call's further parameters and the schemes agreed case by case."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0011_budget")]
    operations = []
