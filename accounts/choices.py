"""Plain (value, label) pairs. Migrations copy them, so no enum stands here."""

# The seven districts and county-level cities of Wuxi, and the economic development zone.
DISTRICTS = [
    (name, name) for name in ["江阴市", "宜兴市", "梁溪区", "锡山区", "惠山区", "滨湖区", "新吴区", "无锡经开区"]
]

BUSINESS_ROLES = [("reviewer", "审核"), ("approver", "审批"), ("finance", "财务"), ("auditor", "审计")]
# 三员: GB/T 22239-2019, third level, wants the three apart from each other and from the business.
ADMINISTRATOR_ROLES = [("system_admin", "系统管理员"), ("security_admin", "安全管理员"), ("audit_admin", "审计管理员")]
ROLES = BUSINESS_ROLES + ADMINISTRATOR_ROLES
