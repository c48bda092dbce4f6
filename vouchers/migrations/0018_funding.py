"""The year's appropriation is brought into its pool by an order that two people make, like everything after it."""

from pathlib import Path

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('vouchers', '0017_papers'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='order',
            name='order_amount_of_its_kind',
        ),
        migrations.RemoveConstraint(
            model_name='order',
            name='order_one_at_a_time',
        ),
        migrations.AlterField(
            model_name='order',
            name='kind',
            field=models.CharField(choices=[('fund', '拨入资金'), ('top_up', '追加资金'), ('adjust', '调整'), ('recover', '追回'), ('settle', '按比例结算'), ('close', '年度结账')], max_length=10, verbose_name='事项'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount_fen__gt', 0), ('kind__in', ['fund', 'top_up', 'recover'])), models.Q(('kind', 'adjust'), models.Q(('amount_fen', 0), _negated=True)), models.Q(('amount_fen__gte', 0), ('kind__in', ['settle', 'close'])), _connector='OR'), name='order_amount_of_its_kind'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.UniqueConstraint(condition=models.Q(('kind__in', ['fund', 'settle', 'close']), ('state__in', ['prepared', 'signed'])), fields=('scheme', 'fiscal_year', 'kind'), name='order_one_at_a_time'),
        ),
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), migrations.RunSQL.noop),
    ]
