"""What the API takes for JSON."""

from __future__ import annotations

import json

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class ObjectParser(JSONParser):
    """One JSON object whose texts are Unicode: no list, no bare value, no half of a surrogate pair."""

    def parse(self, stream, media_type=None, parser_context=None):
        """The object. Raises ParseError."""
        try:
            found = super().parse(stream, media_type=media_type, parser_context=parser_context)
            json.dumps(found, ensure_ascii=False).encode()
        except (ParseError, RecursionError, ValueError) as error:
            raise ParseError("请求正文不是有效的 JSON（UTF-8 编码），请检查后重新发送。") from error
        if not isinstance(found, dict):
            raise ParseError('请求正文须是一个 JSON 对象，例如 {"voucher": "SLQ2025-000001"}。')
        return found
