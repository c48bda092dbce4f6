"""What a service says when it refuses."""


class Refused(Exception):
    """A service refused, with a Chinese sentence for the person: what happened and what to do next.

    Every typed refusal of `accounts`, `applicants` and `providers` derives from it; faces show `message`.
    """

    message = "操作没有完成，请检查后重试。"

    def __init__(self, message: str | None = None):
        self.message = message or self.message
        super().__init__(self.message)


class RoleConflict(Refused):
    """The roles may not meet in one account."""

    message = "系统管理员、安全管理员、审计管理员三者互斥，也不得兼任业务岗位；同一岗位不能重复任命。请先结束原任命，或另用一个账号。"


class UsernameTaken(Refused):
    message = "这个用户名或邮箱已经有人使用（不区分大小写），请换一个。"


class BadUsername(Refused):
    message = "用户名须为2至64个字符，以英文字母或数字开头，只含英文字母、数字、点、短横线和下划线。"


class WeakPassword(Refused):
    """The password breaks the profile in force; the message lists why."""
