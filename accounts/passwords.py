"""Password rules, as Django validators. `settings.PASSWORD_PROFILE` chooses the set.

`dengbao` follows GB/T 22239-2019 (8.1.4.1 a: complexity); `asvs` follows OWASP ASVS 5.0 (6.2.1, 6.2.5:
longer, and no rules on composition). The two contradict each other, so a bureau chooses. Change after 90
days and a memory of five passwords, which the former also asks for, are not built yet.
"""

import re

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError

_KINDS = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9]")
# ASVS 6.2.11: words an attacker would try first here.
_CONTEXT = ("无锡", "wuxi", "算力", "suanli", "gongxin", "caizheng", "compute", "voucher")


class LongEnough(password_validation.MinimumLengthValidator):
    """At least so many characters."""

    def get_error_message(self):
        """The rule in words."""
        return self.get_help_text()

    def get_help_text(self):
        """The rule in words."""
        return f"密码至少要有{self.min_length}个字符。"


class NotCommon(password_validation.CommonPasswordValidator):
    """Not one of the 20,000 most used."""

    def get_error_message(self):
        """The rule in words."""
        return self.get_help_text()

    def get_help_text(self):
        """The rule in words."""
        return "密码不能是很多人都在用的，例如 password123。"


class NotAboutOneself(password_validation.UserAttributeSimilarityValidator):
    """Not much like the user name, the name or the e-mail address."""

    def get_error_message(self):
        """The rule in words."""
        return self.get_help_text()

    def get_help_text(self):
        """The rule in words."""
        return "密码不能与用户名、姓名或邮箱相近。"


class NoContextWord:
    """Not built around the city's or the programme's name."""

    def validate(self, password, user=None):
        """Raise ValidationError when little is left of `password` without the words everyone knows."""
        rest = password.casefold()
        for word in _CONTEXT:
            rest = rest.replace(word, "")
        if len(rest) < min(len(password), 8):
            raise ValidationError(self.get_help_text(), code="password_context_word")

    def get_help_text(self):
        """The rule in words."""
        return "密码不能以“无锡”“算力”、wuxi、suanli 等人人想得到的词为主。"


class ThreeKinds:
    """Three of: lower case, upper case, digits, other characters."""

    def validate(self, password, user=None):
        """Raise ValidationError when `password` has fewer than three kinds of characters."""
        if sum(bool(re.search(kind, password)) for kind in _KINDS) < 3:
            raise ValidationError(self.get_help_text(), code="password_too_plain")

    def get_help_text(self):
        """The rule in words."""
        return "密码须含小写字母、大写字母、数字、其他符号中的至少三种。"


def validators(profile: str) -> list[dict]:
    """AUTH_PASSWORD_VALIDATORS for `dengbao` or `asvs`; KeyError for anything else."""
    length = {"dengbao": 10, "asvs": 12}[profile]
    rules: list[dict] = [
        {"NAME": "accounts.passwords.LongEnough", "OPTIONS": {"min_length": length}},
        {"NAME": "accounts.passwords.NotCommon"},
        {
            "NAME": "accounts.passwords.NotAboutOneself",
            "OPTIONS": {"user_attributes": ("username", "name", "email")},
        },
        {"NAME": "accounts.passwords.NoContextWord"},
    ]
    if profile == "dengbao":
        rules.append({"NAME": "accounts.passwords.ThreeKinds"})
    return rules
