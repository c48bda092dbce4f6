"""Sign-ins of the demonstration: random, kept in one private file of the run folder, printed when asked for."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path

from allauth.mfa.totp.internal import auth as totp
from django.conf import settings

from accounts.models import User


def path() -> Path:
    """The private file, beside the uploads."""
    return Path(settings.MEDIA_ROOT).parent / "demo-signins.json"


def give(user: User, role: str, *, second_factor: bool = True) -> None:
    """Give a demo user a new password and, for officers, a second factor; remember both."""
    password, secret = secrets.token_urlsafe(9) + "-9aA", totp.generate_totp_secret() if second_factor else ""
    user.set_password(password)
    user.save(update_fields=["password"])
    if second_factor:
        totp.TOTP.activate(user, secret)
    known = _load()
    known[user.username] = {"name": user.name, "role": role, "password": password, "secret": secret}
    file = path()
    file.touch(mode=0o600)
    file.write_text(json.dumps(known, ensure_ascii=False, indent=1))


def table() -> list[str]:
    """One line a person: name, duty, user name, password, and the code that is valid this half minute."""
    step = int(time.time()) // 30
    lines = ["姓名 · 岗位 · 用户名 · 密码 · 当前动态码（每 30 秒更新，重新查看：make demo-codes）"]
    for username, row in _load().items():
        code = totp.format_hotp_value(totp.hotp_value(row["secret"], step)) if row["secret"] else "不需要"
        lines.append(f"{row['name']} · {row['role']} · {username} · {row['password']} · {code}")
    return lines


def _load() -> dict:
    try:
        return json.loads(path().read_text())
    except FileNotFoundError:
        return {}
