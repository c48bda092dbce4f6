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


class EmailNotConfirmed(Refused):
    message = "邮箱还没有确认，不能登记单位。请打开注册时收到的邮件，点里面的链接。"


class AlreadyActing(Refused):
    message = "您已经是一家单位的成员，不用再登记。"


class NotMember(Refused):
    message = "您不是该单位的成员，不能办理。请联系本单位负责人添加。"


class NotOwner(Refused):
    message = "这件事由本单位负责人办理，您的身份是经办人。请联系本单位负责人。"


class LastOwner(Refused):
    message = "单位至少要有一名负责人。请先把另一位成员添加为负责人，再办理退出。"


class NoSuchPerson(Refused):
    message = "没有找到已确认邮箱的这个账号。请让对方先在本网站注册并确认邮箱，再把用户名告诉您。"


class ChangedMeanwhile(Refused):
    message = "您打开这一页以后，有人改过这里的内容，这次没有保存。您填写的内容还在，请对照现在的内容核对后再保存。"


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
