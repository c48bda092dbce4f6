"""The year's money: settlement, close, what the head of a queue accepts."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0010_speed")]
    operations = []
