"""What is doubted about an invoice, and what the tax platform answered."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0012_schemes")]
    operations = []
