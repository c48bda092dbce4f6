"""The year's money: orders that two people sign, settlements, closed years, what the head of a queue accepts."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

DROP = """
DROP FUNCTION vouchers_claim_takes_turn, ledger_year_open, ledger_closes, vouchers_order_steps,
  vouchers_order_moved, vouchers_share_of_signed CASCADE;
DROP TRIGGER stays_closed ON vouchers_filingqueue;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('applicants', '0002_walls'),
        ('vouchers', '0010_speed'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ClosedYear',
            fields=[
                ('period', models.CharField(db_collation='C', max_length=60, primary_key=True, serialize=False, verbose_name='年度')),
                ('closed_at', models.DateTimeField(verbose_name='结账时间')),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='记录时间')),
            ],
            options={
                'verbose_name': '已结账年度',
                'verbose_name_plural': '已结账年度',
                'db_table': 'ledger_closedyear',
            },
        ),
        migrations.CreateModel(
            name='Order',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=30, unique=True, verbose_name='办理单号')),
                ('kind', models.CharField(choices=[('top_up', '追加资金'), ('adjust', '调整'), ('recover', '追回'), ('settle', '按比例结算'), ('close', '年度结账')], max_length=10, verbose_name='事项')),
                ('scheme', models.CharField(max_length=40, verbose_name='券种')),
                ('fiscal_year', models.PositiveSmallIntegerField(verbose_name='财政年度')),
                ('amount_fen', models.BigIntegerField(verbose_name='金额（分）')),
                ('reason', models.CharField(blank=True, choices=[('budget_cut', '预算压减'), ('entry_error', '录入更正'), ('cap_change', '年度上限变更'), ('audit_finding', '审计整改')], max_length=20, verbose_name='调整原因')),
                ('citation', models.CharField(max_length=500, verbose_name='依据或说明')),
                ('window_until', models.DateField(null=True, verbose_name='申报截止')),
                ('to_year', models.PositiveSmallIntegerField(null=True, verbose_name='结转至年度')),
                ('figures', models.JSONField(default=dict, verbose_name='编制时的数字')),
                ('digest', models.CharField(blank=True, max_length=64, verbose_name='分配校验值')),
                ('state', models.CharField(choices=[('prepared', '待签批'), ('signed', '已签批，执行中'), ('done', '已办结'), ('withdrawn', '已撤销'), ('void', '未执行')], default='prepared', max_length=10, verbose_name='状态')),
                ('prepared_at', models.DateTimeField(verbose_name='编制时间')),
                ('signed_at', models.DateTimeField(null=True, verbose_name='签批时间')),
                ('done_at', models.DateTimeField(null=True, verbose_name='办结时间')),
                ('outcome', models.CharField(blank=True, max_length=500, verbose_name='结果')),
            ],
            options={
                'verbose_name': '资金办理单',
                'verbose_name_plural': '资金办理单',
                'ordering': ['-prepared_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='SettlementShare',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('asked_fen', models.BigIntegerField(verbose_name='应安排（分）')),
                ('share_fen', models.BigIntegerField(verbose_name='分得（分）')),
                ('dropped', models.BooleanField(default=False, verbose_name='低于最低补助额')),
            ],
            options={
                'verbose_name': '结算份额',
                'verbose_name_plural': '结算份额',
                'ordering': ['order', 'pk'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='claimevent',
            name='claim_event_gives_its_reason',
        ),
        migrations.AddField(
            model_name='filingqueue',
            name='closed_at',
            field=models.DateTimeField(editable=False, null=True, verbose_name='额满截止时间'),
        ),
        migrations.AlterField(
            model_name='call',
            name='shortage',
            field=models.CharField(choices=[('waitlist', '按提交顺序轮候'), ('first_come', '先到先得，额满为止'), ('pro_rata', '申报期满后按比例结算')], default='waitlist', max_length=12, verbose_name='资金不足时'),
        ),
        migrations.AlterField(
            model_name='claimevent',
            name='verb',
            field=models.CharField(choices=[('submit', '提交'), ('discard', '作废'), ('accept', '受理'), ('return', '退回补正'), ('resubmit', '重新提交'), ('lapse', '判为逾期'), ('withdraw', '撤回'), ('accept_part', '接受部分安排'), ('expire', '年度终止'), ('cut', '核减'), ('review', '提交审核结论'), ('approve', '批准'), ('send_back', '退回重审'), ('reject', '不予通过'), ('appeal', '申请复核'), ('publicise', '公示'), ('clear', '结束公示'), ('suspend', '暂停核查'), ('dismiss', '终止核查'), ('reassess', '重新审核'), ('batch', '列入批次'), ('unbatch', '移出批次'), ('pay', '登记拨付'), ('bounce', '登记退票'), ('recover', '追回')], max_length=14, verbose_name='操作'),
        ),
        migrations.AlterField(
            model_name='decision',
            name='binding',
            field=models.CharField(choices=[('none', '未受限额影响'), ('min_spend', '未达到最低费用'), ('contract_cap', '受单份合同上限所限'), ('claim_cap', '受单次申请上限所限'), ('tranche', '受协议本期金额所限'), ('agreement', '受协议总额所限'), ('annual_cap', '受单位年度限额所限'), ('years_cap', '受多年累计上限所限'), ('pool', '受资金池余额所限'), ('min_grant', '未达到最低补助额'), ('part', '申报单位接受部分安排'), ('pro_rata', '按比例结算'), ('recovered', '部分已追回')], max_length=12, verbose_name='限制因素'),
        ),
        migrations.AlterField(
            model_name='historicalcall',
            name='shortage',
            field=models.CharField(choices=[('waitlist', '按提交顺序轮候'), ('first_come', '先到先得，额满为止'), ('pro_rata', '申报期满后按比例结算')], default='waitlist', max_length=12, verbose_name='资金不足时'),
        ),
        migrations.AddConstraint(
            model_name='claimevent',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('verb__in', ['accept_part', 'appeal', 'bounce', 'cut', 'dismiss', 'expire', 'reassess', 'recover', 'reject', 'return', 'send_back', 'suspend']), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='claim_event_gives_its_reason'),
        ),
        migrations.AddField(
            model_name='order',
            name='event',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='vouchers.claimevent', verbose_name='办理记录'),
        ),
        migrations.AddField(
            model_name='order',
            name='organisation',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='applicants.organisation', verbose_name='单位'),
        ),
        migrations.AddField(
            model_name='order',
            name='payment',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='vouchers.payment', verbose_name='原拨付'),
        ),
        migrations.AddField(
            model_name='order',
            name='prepared_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='编制人'),
        ),
        migrations.AddField(
            model_name='order',
            name='signed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='签批人'),
        ),
        migrations.AddField(
            model_name='closedyear',
            name='order',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='closed', to='vouchers.order', verbose_name='资金办理单'),
        ),
        migrations.AddField(
            model_name='settlementshare',
            name='claim',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shares', to='vouchers.claim', verbose_name='申请'),
        ),
        migrations.AddField(
            model_name='settlementshare',
            name='order',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shares', to='vouchers.order', verbose_name='结算'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('citation', ''), _negated=True), name='order_cites'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('signed_by', models.F('prepared_by')), _negated=True), name='order_signed_by_another'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['prepared', 'withdrawn']), models.Q(('signed_at__isnull', False), ('signed_by__isnull', False)), _connector='OR'), name='order_signed_by_someone'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount_fen__gt', 0), ('kind__in', ['top_up', 'recover'])), models.Q(('kind', 'adjust'), models.Q(('amount_fen', 0), _negated=True)), models.Q(('amount_fen__gte', 0), ('kind__in', ['settle', 'close'])), _connector='OR'), name='order_amount_of_its_kind'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'adjust'), models.Q(('reason', ''), _negated=True)), models.Q(models.Q(('kind', 'adjust'), _negated=True), ('organisation', None), ('reason', '')), _connector='OR'), name='order_adjusts_for_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'recover'), ('payment__isnull', False)), models.Q(models.Q(('kind', 'recover'), _negated=True), ('event', None), ('payment', None)), _connector='OR'), name='order_recovers_a_payment'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'settle'), ('window_until__isnull', False), models.Q(('digest', ''), _negated=True)), models.Q(models.Q(('kind', 'settle'), _negated=True), ('digest', ''), ('window_until', None)), _connector='OR'), name='order_settles_a_window'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'close'), ('to_year__gt', models.F('fiscal_year'))), models.Q(('amount_fen', 0), ('kind', 'close'), ('to_year', None)), models.Q(models.Q(('kind', 'close'), _negated=True), ('to_year', None)), _connector='OR'), name='order_carries_to_a_later_year'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.UniqueConstraint(condition=models.Q(('kind__in', ['settle', 'close']), ('state__in', ['prepared', 'signed'])), fields=('scheme', 'fiscal_year', 'kind'), name='order_one_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'settle'), ('state', 'done')), fields=('scheme', 'fiscal_year', 'window_until'), name='order_settles_once'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'close'), ('state', 'done')), fields=('scheme', 'fiscal_year'), name='order_closes_once'),
        ),
        migrations.AddConstraint(
            model_name='settlementshare',
            constraint=models.UniqueConstraint(fields=('order', 'claim'), name='share_once'),
        ),
        migrations.AddConstraint(
            model_name='settlementshare',
            constraint=models.CheckConstraint(condition=models.Q(('share_fen__gte', 0), ('share_fen__lte', models.F('asked_fen'))), name='share_within_asked'),
        ),
        migrations.AddConstraint(
            model_name='settlementshare',
            constraint=models.CheckConstraint(condition=models.Q(('dropped', False), ('share_fen', 0), _connector='OR'), name='share_dropped_is_nothing'),
        ),
        # Constraints on the table of steps come last: a table with pending trigger events cannot be altered.
        migrations.RunSQL(Path(__file__).with_suffix('.sql').read_text(encoding='utf-8'), DROP),
    ]
