"""Why a service of `providers` refuses, in words for the person."""

from accounts.errors import Refused


class InvalidUscc(Refused):
    message = "服务商的统一社会信用代码不对：应为18位，且末位校验码要相符。请对照营业执照逐字核对。"


class AlreadyListed(Refused):
    message = "这个服务商已经登记过。续期请延长入库日期，不要重复登记。"


class CentreExists(Refused):
    message = "这个服务商已有同名的算力中心。"


class PriceExists(Refused):
    message = "这个产品已有在用的价格。调价请先停用原价格，再登记新价格。"


class BadPrice(Refused):
    message = "单价必须大于零，最小到分。"
