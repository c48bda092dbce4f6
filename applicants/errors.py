"""Why a service of `applicants` refuses, in words for the person."""

from accounts.errors import Refused


class InvalidUscc(Refused):
    message = "统一社会信用代码不对：应为18位，且末位校验码要相符。请对照营业执照逐字核对（没有字母 I、O、Z、S、V）。"


class AlreadyRegistered(Refused):
    message = "这个统一社会信用代码已经登记过。请让本单位负责人把您加为成员，不要重复登记。"


class DistrictNeeded(Refused):
    message = "无锡市的单位要选所属区；外地单位不选。"


class NameMissing(Refused):
    message = "请填写单位全称，与营业执照一致。"


class BadNameDate(Refused):
    message = "新名称的启用日必须晚于现用名称的启用日。请核对变更登记的日期。"


class NoNameOnDate(Refused):
    message = "这个单位在所问的日期还没有登记的名称。"


class MergedAway(Refused):
    message = "这个单位已并入其他单位，不能再办理此事。请以合并后的单位办理。"


class AlreadyMember(Refused):
    message = "这个账号已经是本单位成员。"


class OfficersMayNotJoin(Refused):
    message = "主管部门工作人员的账号不能加入申报单位。"


class AccountNameMismatch(Refused):
    """The holder's name is not the organisation's."""

    def __init__(self, holder_name: str, organisation_name: str):
        super().__init__(
            f"户名“{holder_name}”与单位名称“{organisation_name}”不一致，补助资金只能拨到本单位的对公账户。"
            "请核对开户许可证上的户名；单位已更名的，请先办理更名。"
        )


class NotCorporate(Refused):
    message = "补助资金只能拨到对公账户，不能用个人账户。请填写本单位的对公账户。"


class BadAccountNumber(Refused):
    message = "账号不对：应为6至32位数字或大写字母。请对照开户许可证核对，不要填卡号以外的文字。"


class BadAccountDate(Refused):
    message = "新账户的启用日不能早于现用账户的启用日。请核对日期。"


class AlreadySanctioned(Refused):
    message = "这个单位在同一名单上已有未移出的记录。"
