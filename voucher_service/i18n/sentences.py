"""The texts of the refusals, by code, in the order of a walk: sign-in, claim, till, desk.

The fullest sentence comes first; the last one of each code needs no facts.
"""

from __future__ import annotations

from .application_sentences import APPLICATIONS
from .backup_sentences import BACKUP
from .channel_sentences import CHANNELS
from .difference_sentences import DIFFERENCES
from .file_sentences import FILES
from .finance_pack_sentences import FINANCE_PACK
from .goods_sentences import GOODS
from .outcome_sentences import OUTCOMES
from .pos_sentences import POS
from .printing_sentences import PRINTING
from .proof_sentences import FORGETTING, PROOF
from .qualification_sentences import QUALIFICATIONS
from .review_sentences import REVIEW
from .revision_sentences import REVISIONS
from .sale_sentences import SALES
from .settlement_sentences import SETTLEMENT
from .till_sentences import TILL

TEXT: dict[str, tuple[str, ...]] = {
    # the request itself
    "malformed_json": (
        "请求的正文不是完整的 JSON，什么也没有改变。请检查括号、引号和编码（UTF-8）后再发。",
    ),
    "bad_request": ("这个请求读不懂，什么也没有改变。请照接口说明改好再发。",),
    "invalid_input": ("有几项填得不对，什么也没有改变。请照每一项的提示改好再交。",),
    "cursor_invalid": ("翻页的位置不对。请从第一页重新开始。",),
    "method_not_allowed": ("这个地址不接受这种请求，什么也没有改变。能用的方式写在 Allow 里。",),
    "body_too_large": ("内容太大，没有收下。请缩小后再发。",),
    "uri_too_long": ("地址太长，没有收下。请缩短后再发。",),
    "unsupported_media_type": (
        "正文的类型不对，没有收下。请用接口说明里的 Content-Type（多数是 application/json）再发。",
    ),
    "not_acceptable": ("我们给不出您要的格式。请去掉 Accept 再试。",),
    "idempotency_key_missing": (
        "没有处理：缺少 Idempotency-Key。动名额或钱的请求要带一个自己生成的编号，重发时用同一个。",
    ),
    "idempotency_key_malformed": (
        "没有处理：Idempotency-Key 要 1 到 128 个可见的英文字符。请换一个编号再发。",
    ),
    "idempotency_key_reused": (
        "没有处理：这个 Idempotency-Key 已经用在另一个请求上。新的请求请用新的编号。",
    ),
    "in_progress": ("同一个请求还在处理，没有重复做。请过 1 秒用同一个编号再问。",),
    # whose request it is
    "token_missing": ("还没登录，什么也没有改变。请先登录。",),
    "token_invalid": ("登录凭据不对，什么也没有改变。请重新登录。",),
    "token_expired": ("登录已过期，什么也没有改变。请重新登录，再做一次。",),
    "sign_in_refused": ("没有登录成功：账号、密码或验证码不对。请核对后再试，或重新获取验证码。",),
    "form_expired": (
        "没有提交：这一页放得太久，或您在别处换了账号。请返回上一页，刷新后再交一次。",
    ),
    "not_allowed": ("您的岗位或地区不包括这件事，什么也没有改变。请找有权限的同事办理。",),
    "not_found": ("没有找到。可能是地址写错了，或者不归您看。请从首页重新进入。",),
    "too_many_requests": (
        "太频繁了，这次没有处理。请过 {seconds} 秒再试。",
        "太频繁了，这次没有处理，也没有占掉您的名额。请稍等再试。",
    ),
    "proof_of_work_required": (
        "还没有领：要先做一道小计算，手机一秒左右就能算完。请用 challenge 算好再领。",
    ),
    # servers
    "try_again": ("现在还不知道结果。请用同一个请求再试一次：做成了会得到同样的回答，不会重复。",),
    "internal_error": (
        "我们这边出了错，已经记下。这一步做没做成还不知道：请先刷新看看，再用同一个请求重试，不会重复。",
    ),
    "sms_unavailable": ("短信暂时发不出去，验证码没有发。请 1 分钟后再试，或到社区窗口办理。",),
    "verification_unavailable": ("实名核验暂时连不上，您填的内容没有保存。请 1 分钟后再试。",),
    "gate_not_ready": ("名额正在清点，一两秒就好。还没有领，也没有占名额。请再领一次。",),
    "lease_lost": ("这项工作已由另一个进程接手，这一次没有生效。不用处理。",),
    # identity
    "mobile_invalid": ("手机号不对，验证码没有发。请填 11 位的中国内地手机号。",),
    "id_number_invalid": ("证件号码不对，没有保存。请对着证件逐位核对，最后一位可能是 X。",),
    "name_invalid": ("姓名里有不能用的字符，没有保存。请照证件上的写法填。",),
    "identity_mismatch": ("姓名和证件号码对不上，没有保存。请照证件核对后再填。",),
    "identity_taken": (
        "这个证件已经绑定了另一个账号，没有保存。请用原来的手机号登录，或到社区窗口更正。",
    ),
    "already_verified": ("您已经实名，没有改动。要更正姓名或证件，请到社区窗口办理。",),
    "consent_required": ("先看授权书再实名，什么也没有保存。请看过并同意后再交。",),
    "username_invalid": (
        "登录名不合规定，没有保存。请用 3 到 32 个小写字母、数字、点、横线或下划线。",
    ),
    "username_taken": ("这个登录名已经有人用，没有保存。请换一个。",),
    "password_too_short": (
        "密码太短，没有保存。至少 {length} 个字符。",
        "密码太短，没有保存。请用长一些的密码。",
    ),
    "roles_incompatible": (
        "这几个岗位不能由同一个人担任，没有保存。策划、审批、财务要分开，审计和系统管理只能单独担任。",
    ),
    "second_factor_required": (
        "还不能用：这里的账号要有第二道验证。请先到“我的账号”登记动态码或通行密钥。",
    ),
    "password_change_required": (
        "还不能用：您的密码是别人替您设的。请先到“我的账号”换成自己的密码。",
    ),
    "fresh_factor_required": (
        "还没有做：这一步要您刚刚验证过身份。请到“我的账号”再验一次，回来接着做。",
    ),
    "password_unchanged": ("没有改：原来的密码不对，或者新密码和原来的一样。",),
    "factor_refused": ("没有通过：验证码、密码或通行密钥不对，用过了，或者太晚了。请再试一次。",),
    "passkeys_unavailable": (
        "现在不能用通行密钥：系统还没有设定管理台的网址。请用动态码，或联系系统管理员。",
    ),
    "consent_outdated": ("授权书已更新，没有保存。请看过新的授权书后再同意。",),
    "identity_required": ("先实名，再领券：每人限领，要核对证件。名额没有占用，您填好再来领。",),
    "resident_blocked": ("您的账号已停用，什么也没有改变。有疑问请拨 12345。",),
    # claims
    "sold_out": (
        "这一场领完了，您的资格没有用掉。下一场 {next_at} 开始。",
        "这一场领完了，您的资格没有用掉。可以看看接下来的场次。",
    ),
    "limit_reached": ("您已领满这种券，没有多领。领到的券在“我的券”里，可以直接用。",),
    "not_open_yet": (
        "还没开始，没有领，也没有占名额。{opens_at} 开始，请到时再来。",
        "还没开始，没有领，也没有占名额。请到开始时间再来。",
    ),
    "closed": (
        "现在领不了：这一场已经结束，或者暂停发放。没有领，您的资格没有用掉。可以看看接下来的场次。",
    ),
    "not_eligible": ("您不在这次发放的对象里，没有领，也没有占名额。可以看看别的活动。",),
    # lotteries
    "entries_not_open_yet": (
        "报名还没开始，没有登记。{opens_at} 开始，请到时再来。",
        "报名还没开始，没有登记。请到开始时间再来。",
    ),
    "entries_closed": ("报名已经截止，没有登记。可以看看别的活动。",),
    "entries_still_open": (
        "还不能截止：报名要到 {closes_at}。名单没有变。请到时再来。",
        "还不能截止：报名时间还没到。名单没有变。请到时再来。",
    ),
    "lottery_invalid": (
        "没有保存：摇号的这几项不合规定：{fields}。请照每一项的提示改好再交。",
        "没有保存：摇号的条件不合规定。请照每一项的提示改好再交。",
    ),
    "commitments_missing": (
        "还不能这样做：财政、审计、主管三方要先各自封存口令。什么也没有改变。请催办后再来。",
    ),
    "party_taken": (
        "没有封存：这一方已经封存过，或者同一个人、同一个哈希已经用在另一方。请换人或换口令。",
    ),
    "secret_wrong": ("没有公开：口令和封存的哈希对不上。请核对后再填。",),
    "reveal_too_late": ("没有公开：公开口令的时间已过。请作废这一次，三方换新口令重来。",),
    "reveal_not_over": (
        "还不能作废：三方可以公开口令到 {reveal_by}。请到时再看。",
        "还不能作废：要等三方都封存、公开的时间过了。请到时再看。",
    ),
    "lottery_list_changed": (
        "没有开奖：名单和公布的哈希对不上。什么也没有改变。请保留现场并报告审计。",
    ),
    # pushes
    "push_list_invalid": (
        "没有收下名单：最多 {most} 行。请分成几份再传。",
        "没有收下名单：要一列“手机号”或“身份证号”，至少有一个人能发到。请照样式改好再传。",
    ),
    "push_too_large": (
        "没有收下名单：能发的有 {count} 个，这种券一共只有 {quota} 张。请减名单或换一种券。",
        "没有收下名单：人比券多。请减名单或换一种券。",
    ),
    "push_repeated": ("没有收下名单：同一份名单已经给这种券传过。请看“按名单发”里的那一份。",),
    # trade-in
    "gtin_invalid": ("商品条码（69 码）不对，没有保存。请对着包装上的条形码逐位核对。",),
    "imei_invalid": ("IMEI 不对，没有保存。请在手机上拨 *#06#，照显示的 15 位填。",),
    "serial_invalid": ("序列号（SN）不对，没有保存。请照机身或包装上的填，4 到 40 个字母和数字。",),
    "vin_invalid": (
        "车辆识别代号（VIN）不对，没有保存。请照行驶证上的 17 位填，里面没有字母 I、O、Q。",
    ),
    "plate_invalid": ("车牌号不对，没有保存。请照行驶证填，例如 粤SD12345。",),
    "invoice_invalid": ("发票号码不对，没有保存。数电票填 20 位号码；老式发票填代码和号码。",),
    "card_invalid": ("银行卡号不对，没有保存。请照卡面填 16 到 19 位数字。",),
    # merchants
    "uscc_invalid": ("统一社会信用代码不对，没有保存。请对着营业执照逐位核对，一共 18 位。",),
    "uscc_taken": ("这个统一社会信用代码已经登记过，没有再存。请到商户列表里找。",),
    "business_name_invalid": ("名称里有不能用的字符，没有保存。请照营业执照上的写法填。",),
    "area_unknown": ("没有这个行政区划代码，没有保存。请从列表里选。",),
    # desks
    "programme_exists": ("同名的活动方案已经有了，没有再建。请换一个名字，或直接用那一个。",),
    "slug_taken": ("这个短名已经有券种在用，没有保存。请换一个。",),
    "campaign_not_draft": (
        "活动已经提交，不能再改内容。什么也没有改变。要改，请先撤回或另建活动。",
    ),
    "campaign_incomplete": ("还不能提交：活动至少要有一个券种和一条预算额度。请补上再交。",),
    "plan_invalid": (
        "没有保存：这几项不合规定：{fields}。请照每一项的提示改好再交。",
        "没有保存：方案里有数字不合规定。请照每一项的提示改好再交。",
    ),
    "funder_unknown": (
        "没有出资方“{funder}”，没有保存。请从列表里选。",
        "没有这个出资方，没有保存。请从列表里选。",
    ),
    "budget_line_exists": (
        "{funder} 在这个活动里已经有预算额度，没有再加。请改那一条。",
        "这个出资方在这个活动里已经有预算额度，没有再加。请改那一条。",
    ),
    "shares_not_whole": (
        "还不能提交：各方分担合起来是 {total_bps} 个基点，要正好 10,000。请改好再交。",
        "还不能提交：各方分担合起来要正好 10,000 个基点。请改好再交。",
    ),
    "budget_short": (
        "还不能提交：{funder} 要承担 {needed}，额度只有 {amount}。钱没有动。请加额度或减少数量。",
        "还不能提交：预算额度不够。钱没有动。请加额度或减少数量。",
    ),
    "fund_unknown": ("没有这笔拨款，或者不归您管。钱没有动。请从列表里选。",),
    "fallback_needed": (
        "还不能提交：有按门店地区分担的额度，就要有一条兜底额度，用完了由它付。请补上再交。",
    ),
    "area_shares_too_large": (
        "还不能提交：同一地区分担合计 {borne} 个基点，超过兜底的“{funder}”（{most}）。请改小再交。",
        "还不能提交：同一地区的分担合起来超过了兜底额度的比例。请改小再交。",
    ),
    "budget_not_found": ("没有这个预算，或者它不管这个方案和地区。没有保存。请从列表里选。",),
    "budget_needed": ("还不能提交：这个方案有预算，活动要从其中一个出钱。请另建活动，选好预算。",),
    "budget_exists": ("这个方案在这个地区已经有预算，没有再建。请直接用那一个。",),
    "budget_area_invalid": (
        "没有保存：下级预算的地区要在“{parent}”的地区之内，又不能一样。请重新选。",
        "没有保存：这个地区我们不认识。请重新选。",
    ),
    "allotment_missing": (
        "预算里没有“{funder}”用于“{purpose}”的钱，没有保存。请先给预算下达这笔钱。",
        "预算里没有这个出资方用于这个用途的钱，没有保存。请先给预算下达这笔钱。",
    ),
    "cap_reached": (
        (
            "超过上限：{period} 最多发 {cap}，已排 {planned}，还能排 {left}，这个活动要 {needed}。"
            "一场开几天，每天都按全数算；没领完流到后面的也算。什么也没有发放。"
            "请换日子、减数量、关掉“退回再发”，或提案提高上限。"
        ),
        "超过了这一天或这个月的发放上限。什么也没有发放。请换日子、减数量，或提案提高上限。",
    ),
    "campaign_cap_reached": (
        (
            "超过上限：一个活动最多发 {cap}，这个活动要 {needed}。什么也没有发放。"
            "请减数量，或提案提高上限。"
        ),
        "超过了一个活动的发放上限。什么也没有发放。请减数量，或提案提高上限。",
    ),
    "cap_below_planned": (
        (
            "没有生效：{period} 已经排了 {planned}，比新上限 {cap} 多。原来的上限没有变。"
            "请提高上限，或先结束一些活动。"
        ),
        "没有生效：已经排的比新上限多。原来的上限没有变。请提高上限，或先结束一些活动。",
    ),
    "same_person": (
        "没有批准：提案人不能批自己的提案，同一个人也不能签两次。请另一位审批人来批。",
    ),
    "own_work": (
        "没有批准：这份内容您参与编制或改动过，自己不能批。请另一位没有经手的审批人来批。",
    ),
    "payload_changed": (
        "没有批准：数据库里的提案在提交后被改过，谁也不能签。什么也没有执行。请通知审计，并请提案人撤回重提。",
    ),
    "already_decided": ("这份提案已经有结果了，没有再改。请刷新查看。",),
    "already_proposed": ("同样的提案正在等审批，没有再提。请等结果，或先撤回那一份。",),
    "changed_since_proposed": ("没有批准：提案之后内容变了。什么也没有发放。请提案人重新提交。",),
    # alarms
    "payouts_stopped": (
        "钱没有付出：账目核对发现不平，付款已全部停下。请看“告警”，查清后由两个人恢复。",
    ),
    "alarm_ends_by_itself": (
        "没有解除：这种告警要等原因消除了自己解除。请先处理原因，或登记由您处理。",
    ),
    "payouts_running": ("付款没有停，不用恢复。什么也没有改变。",),
    "books_still_broken": (
        "没有恢复付款：最近一次核对仍有不平。请先查清更正，等下一次核对通过（每 5 分钟一次）再提。",
    ),
    # merchants that come in
    **FILES,
    "account_number_invalid": (
        "账号不对：对公账户是 8 到 30 位数字，个人卡是 16 到 19 位并有校验位。请照卡面再填一次。",
    ),
    "account_name_differs": (
        "户名和执照对不上：对公账户的户名要和执照名称一致；个人卡只给个体工商户，户名是经营者本人。",
    ),
    "cnaps_invalid": ("联行号是 12 位数字，请再填一次，或先空着。",),
    "merchant_application_incomplete": ("还没提交：有的内容没填全。填好的都存着，请接着填。",),
    "commitment_outdated": ("还没提交：承诺书刚刚改过。请重新看一遍再打勾。",),
    "too_many_shops": (
        "没有加上：一次申请最多 {most} 家店。其余的入驻后再加。",
        "没有加上：一次申请的店太多。其余的入驻后再加。",
    ),
    "account_change_waiting": ("已经有一个换账户的申请在办。请等它有结果，或先叫停。",),
    "already_held": ("这家商户的货款已经暂缓支付了，没有再停一次。",),
    "already_stopped": ("已经停着了，没有再停一次。谁停的、为什么，写在“紧急停止”里。",),
    "stop_invalid": ("没有停：商户不发券，只能停它的用券。请改选“用券”再停。",),
    "illegal_transition": ("现在的状态不能这样做，什么也没有改变。请刷新后看看最新情况。",),
    "overtaken": ("刚刚有别人先改了，您的没有保存。请刷新后看看最新情况，再决定。",),
    "freeze_resolved": ("没有动钱：这笔锁定已经有了另一种结果。请刷新查看。",),
    "funds_short": (
        "没有通过：预算额度不够，还差 {short}。钱没有动。请追加预算或减少数量。",
        "没有通过：预算额度不够。钱没有动。请追加预算或减少数量。",
    ),
}
for _more in (
    APPLICATIONS,
    DIFFERENCES,
    CHANNELS,
    FINANCE_PACK,
    GOODS,
    OUTCOMES,
    POS,
    PRINTING,
    PROOF,
    FORGETTING,
    BACKUP,
    QUALIFICATIONS,
    REVIEW,
    REVISIONS,
    SALES,
    SETTLEMENT,
    TILL,
):
    TEXT |= _more
