"""What is doubted about an invoice, what the tax platform answered, and what a red letter means for a claim."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('applicants', '0002_walls'),
        ('vouchers', '0012_schemes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ClawbackProposal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('paid_fen', models.BigIntegerField(verbose_name='已拨付（分）')),
                ('due_fen', models.BigIntegerField(verbose_name='应得（分）')),
                ('amount_fen', models.BigIntegerField(verbose_name='建议追回（分）')),
                ('result', models.JSONField(help_text='含事实、通知条款、逐行结论与说明', verbose_name='重新测算')),
                ('state', models.CharField(choices=[('proposed', '待追回'), ('superseded', '已由新的建议代替'), ('settled', '已追回'), ('dropped', '不予追回')], default='proposed', max_length=10, verbose_name='状态')),
                ('made_at', models.DateTimeField(verbose_name='提出时间')),
                ('closed_at', models.DateTimeField(null=True, verbose_name='办结时间')),
                ('note', models.TextField(blank=True, verbose_name='办结说明')),
            ],
            options={
                'verbose_name': '追回建议',
                'verbose_name_plural': '追回建议',
                'ordering': ['-made_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='DoubtAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=60, verbose_name='疑点')),
                ('text', models.CharField(max_length=500, verbose_name='说明')),
                ('at', models.DateTimeField(verbose_name='说明时间')),
            ],
            options={
                'verbose_name': '发票疑点说明',
                'verbose_name_plural': '发票疑点说明',
                'ordering': ['invoice', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='InvoiceCopy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('carrier', models.CharField(max_length=8, verbose_name='载体')),
                ('differences', models.JSONField(default=list, verbose_name='不一致之处')),
                ('found_at', models.DateTimeField(verbose_name='发现时间')),
            ],
            options={
                'verbose_name': '发票的其他文件',
                'verbose_name_plural': '发票的其他文件',
                'ordering': ['invoice', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='ReversalFlag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('draft', '草稿'), ('discarded', '已作废'), ('submitted', '已提交'), ('returned', '待补正'), ('accepted', '已受理'), ('reviewed', '已审核'), ('approved_once', '待二次审批'), ('approved', '已批准'), ('publicised', '公示中'), ('suspended', '核查中'), ('payable', '待拨付'), ('batched', '已入批次'), ('paid', '已拨付'), ('rejected', '不予通过'), ('withdrawn', '已撤回'), ('lapsed', '逾期失效'), ('recovered', '已追回')], max_length=14, verbose_name='当时状态')),
                ('after_decision', models.BigIntegerField(verbose_name='当时的核定结论')),
                ('found_at', models.DateTimeField(verbose_name='发现时间')),
            ],
            options={
                'verbose_name': '发票冲销提示',
                'verbose_name_plural': '发票冲销提示',
                'ordering': ['-found_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='Verification',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(max_length=20, verbose_name='查验渠道')),
                ('status', models.CharField(choices=[('MATCH', '一致'), ('MISMATCH', '不一致'), ('NOT_FOUND', '查无此票'), ('VOID', '已作废'), ('RED_FULL', '已全额红冲'), ('RED_PART', '已部分红冲'), ('TOO_NEW', '当日开具，次日再查'), ('TOO_OLD', '超过可查年限'), ('QUOTA', '当日查验次数已满'), ('UNAVAILABLE', '平台未能答复')], max_length=12, verbose_name='查验结果')),
                ('query', models.JSONField(verbose_name='查验内容')),
                ('fields', models.JSONField(null=True, verbose_name='平台返回')),
                ('reference', models.CharField(blank=True, max_length=60, verbose_name='平台流水号')),
                ('raw_sha256', models.CharField(blank=True, max_length=64, verbose_name='原始答复校验值')),
                ('note', models.CharField(blank=True, max_length=500, verbose_name='说明')),
                ('picture_name', models.CharField(blank=True, max_length=255, verbose_name='截图文件名')),
                ('picture_stored', models.CharField(blank=True, editable=False, max_length=100, verbose_name='截图存储名')),
                ('picture_sha256', models.CharField(blank=True, editable=False, max_length=64, verbose_name='截图校验值')),
                ('asked_on', models.DateField(verbose_name='查验日期')),
                ('attempt', models.PositiveSmallIntegerField(verbose_name='当日第几次')),
                ('asked_at', models.DateTimeField(verbose_name='查验时间')),
            ],
            options={
                'verbose_name': '发票查验记录',
                'verbose_name_plural': '发票查验记录',
                'ordering': ['invoice', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='VerificationWaiver',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=500, verbose_name='理由')),
                ('asked_at', models.DateTimeField(verbose_name='提出时间')),
                ('agreed_at', models.DateTimeField(null=True, verbose_name='同意时间')),
            ],
            options={
                'verbose_name': '免予查验',
                'verbose_name_plural': '免予查验',
                'ordering': ['invoice', '-pk'],
            },
        ),
        migrations.AddField(
            model_name='historicalinvoice',
            name='withdrawn_at',
            field=models.DateTimeField(editable=False, null=True, verbose_name='登记撤销时间'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='boxes',
            field=models.JSONField(default=list, editable=False, verbose_name='各项在原件中的位置'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='seals',
            field=models.JSONField(default=list, editable=False, verbose_name='签章核验'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='withdrawn_at',
            field=models.DateTimeField(editable=False, null=True, verbose_name='登记撤销时间'),
        ),
        migrations.AlterField(
            model_name='historicalinvoice',
            name='read_by',
            field=models.CharField(choices=[('machine', '系统识读'), ('typed', '人工填写'), ('officer', '税务平台查得')], max_length=8, verbose_name='录入方式'),
        ),
        migrations.AlterField(
            model_name='invoice',
            name='read_by',
            field=models.CharField(choices=[('machine', '系统识读'), ('typed', '人工填写'), ('officer', '税务平台查得')], max_length=8, verbose_name='录入方式'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['seller_id', 'issued_on', 'total_fen'], name='invoice_alike'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('withdrawn_at__isnull', True), models.Q(('bound_at__isnull', True), ('read_by', 'officer')), _connector='OR'), name='invoice_withdrawn_by_officers'),
        ),
        migrations.AddField(
            model_name='clawbackproposal',
            name='claim',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='clawbacks', to='vouchers.claim', verbose_name='申请'),
        ),
        migrations.AddField(
            model_name='clawbackproposal',
            name='closed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='办结人'),
        ),
        migrations.AddField(
            model_name='clawbackproposal',
            name='letter',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='vouchers.invoice', verbose_name='红字发票'),
        ),
        migrations.AddField(
            model_name='doubtanswer',
            name='by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='说明人'),
        ),
        migrations.AddField(
            model_name='doubtanswer',
            name='invoice',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='answers', to='vouchers.invoice', verbose_name='发票'),
        ),
        migrations.AddField(
            model_name='invoicecopy',
            name='attachment',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='copy', to='vouchers.attachment', verbose_name='文件'),
        ),
        migrations.AddField(
            model_name='invoicecopy',
            name='invoice',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='copies', to='vouchers.invoice', verbose_name='发票'),
        ),
        migrations.AddField(
            model_name='reversalflag',
            name='claim',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reversal_flags', to='vouchers.claim', verbose_name='申请'),
        ),
        migrations.AddField(
            model_name='reversalflag',
            name='invoice',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='vouchers.invoice', verbose_name='被冲销的发票'),
        ),
        migrations.AddField(
            model_name='reversalflag',
            name='letter',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='vouchers.invoice', verbose_name='红字发票'),
        ),
        migrations.AddField(
            model_name='verification',
            name='asked_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='查验人'),
        ),
        migrations.AddField(
            model_name='verification',
            name='invoice',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='verifications', to='vouchers.invoice', verbose_name='发票'),
        ),
        migrations.AddField(
            model_name='verificationwaiver',
            name='agreed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='同意人'),
        ),
        migrations.AddField(
            model_name='verificationwaiver',
            name='asked_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='提出人'),
        ),
        migrations.AddField(
            model_name='verificationwaiver',
            name='invoice',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='waivers', to='vouchers.invoice', verbose_name='发票'),
        ),
        migrations.AddConstraint(
            model_name='clawbackproposal',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'proposed')), fields=('claim',), name='clawback_one_open_a_claim'),
        ),
        migrations.AddConstraint(
            model_name='clawbackproposal',
            constraint=models.CheckConstraint(condition=models.Q(('amount_fen', django.db.models.expressions.CombinedExpression(models.F('paid_fen'), '-', models.F('due_fen'))), ('amount_fen__gt', 0), ('due_fen__gte', 0)), name='clawback_adds_up'),
        ),
        migrations.AddConstraint(
            model_name='clawbackproposal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('state', 'proposed')), models.Q(models.Q(('state', 'proposed'), _negated=True), ('closed_at__isnull', False)), _connector='OR'), name='clawback_closed_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='doubtanswer',
            constraint=models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='doubt_answer_says_something'),
        ),
        migrations.AddConstraint(
            model_name='verification',
            constraint=models.UniqueConstraint(fields=('invoice', 'asked_on', 'attempt'), name='verification_in_order'),
        ),
        migrations.AddConstraint(
            model_name='verification',
            constraint=models.CheckConstraint(condition=models.Q(('attempt__gte', 1), ('attempt__lte', 3)), name='verification_few_a_day'),
        ),
        migrations.AddConstraint(
            model_name='verificationwaiver',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='waiver_has_its_reason'),
        ),
        migrations.AddConstraint(
            model_name='verificationwaiver',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('agreed_at__isnull', True), ('agreed_by__isnull', True)), models.Q(('agreed_at__isnull', False), models.Q(('agreed_by', models.F('asked_by')), _negated=True)), _connector='OR'), name='waiver_agreed_by_another'),
        ),
        migrations.AddField(
            model_name='attachment',
            name='pages',
            field=models.PositiveSmallIntegerField(default=0, editable=False, verbose_name='可显示的页数'),
        ),
        migrations.AddIndex(
            model_name='reversalflag',
            index=models.Index(fields=['claim', 'letter'], name='reversal_flag_of_claim'),
        ),
        migrations.RunSQL(Path(__file__).with_suffix('.sql').read_text(encoding='utf-8'), migrations.RunSQL.noop),
    ]
