"""The data structure definition of observations, as data: its components, and the code lists that are closed.

``OBS_VALUE`` is the only measure, so that one definition serves SDMX 2.1 and 3.0; the bounds are attributes of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from re import sub
from typing import Literal

AGENCY, FLOW, CONCEPTS, VERSION = "RI", "OBSERVATIONS", "CONCEPTS", "1.0.0"
"""Who maintains all this; the id of the data flow, which is that of its structure; the concept scheme; the version of all."""
TIME, VALUE, CLAIM = "TIME_PERIOD", "OBS_VALUE", "CLAIM"
ALL_DIMENSIONS = "AllDimensions"
"""Instead of the id of a dimension: observations stand alone, in no series."""
NOT_APPLICABLE = "_Z"
"""The reference area of what is active in many regions."""

Names = tuple[str, str]
"""In English and in Chinese."""
Vocabulary = Mapping[str, Mapping[str, Names]]
"""By code list the names of its codes."""
Role = Literal["dimension", "time", "measure", "attribute"]
Type = Literal["String", "Integer", "Double", "ObservationalTimePeriod"]


@dataclass(frozen=True, slots=True)
class Component:
    """One component: what it is called, which role it plays, and what its values are.

    Attributes:
        id: Its id, and that of its concept.
        role: Whether it identifies (``time``: when), measures or describes.
        names: What it is, in English and Chinese.
        codes: The code list of its values, or None.
        type: The type of its values, where they are no codes.
        column: The column of an observation that it is, as it stands there; None for what is made of others.
    """

    id: str
    role: Role
    names: Names
    codes: str | None = None
    type: Type = "String"
    column: str | None = None

    @property
    def is_numeric(self) -> bool:
        """Whether its values are compared as numbers."""
        return self.codes is None and self.type in ("Integer", "Double")


COMPONENTS: tuple[Component, ...] = (
    Component("FREQ", "dimension", ("Length of the period", "时期长度"), "CL_FREQ"),
    Component("REF_AREA", "dimension", ("Region", "地区"), "CL_REF_AREA"),
    Component("SUBJECT", "dimension", ("Entity that the figure is about", "数字所述主体"), "CL_SUBJECT", column="subject"),
    Component("INDICATOR", "dimension", ("Indicator", "指标"), "CL_INDICATOR", column="indicator"),
    Component("NATURE", "dimension", ("Actual, planned or target", "实际、计划或目标"), "CL_NATURE", column="nature"),
    Component("SOURCE", "dimension", ("Source that states it", "来源"), "CL_SOURCE", column="source"),
    Component(CLAIM, "dimension", ("Claim of the source, 1 for the first", "第几次陈述"), type="Integer"),
    Component(TIME, "time", ("Period, or day of reporting", "时期或报道日期"), type="ObservationalTimePeriod"),
    Component(VALUE, "measure", ("Stated number", "所述数值"), type="Double", column="value"),
    Component("OBS_LOWER", "attribute", ("The least that the source supports", "来源支持的下界"), type="Double", column="lower"),
    Component("OBS_UPPER", "attribute", ("The most that the source supports", "来源支持的上界"), type="Double", column="upper"),
    Component("COMPARATOR", "attribute", ("How the true value stands to it", "实际值与其关系"), "CL_COMPARATOR"),
    Component("BOUNDS_BASIS", "attribute", ("What the bounds rest on", "上下界的依据"), "CL_BOUNDS_BASIS", column="bounds_basis"),
    Component("HEDGE", "attribute", ("Literal hedging word", "修饰词"), column="hedge"),
    Component("AS_WRITTEN", "attribute", ("Literal phrase of the source", "原文措辞"), column="as_written"),
    Component("UNIT_MEASURE", "attribute", ("Unit", "单位"), "CL_UNIT_MEASURE"),
    Component("UNIT_MULT", "attribute", ("Power of ten that the number is multiplied by", "数值的十次幂"), type="Integer"),
    Component("OBS_STATUS", "attribute", ("Whether a number is stated", "是否有数值"), "CL_OBS_STATUS"),
    Component("RANK", "attribute", ("Stated place", "名次"), type="Integer", column="rank"),
    Component("RANK_OF", "attribute", ("How many are ranked", "参与排名的数目"), type="Integer", column="rank_of"),
    Component("RANK_BAND", "attribute", ("Standing without a place", "无名次的地位"), "CL_RANK_BAND", column="rank_band"),
    Component("RANK_SCOPE", "attribute", ("Among whom it is ranked", "排名范围"), column="rank_scope"),
    Component("PERIOD_LABEL", "attribute", ("Period as written", "原文所述时期"), column="period_label"),
    Component("PERIOD_BASIS", "attribute", ("What the period rests on", "时期的依据"), "CL_PERIOD_BASIS", column="period_basis"),
    Component("REPORTED_ON", "attribute", ("Publication date of the source", "来源发布日期"), column="reported_on"),
    Component("SOURCE_LINE", "attribute", ("Line of the source text", "来源行号"), type="Integer", column="line"),
    Component("OBS_ID", "attribute", ("Id of the observation", "观测编号"), column="id"),
)  # fmt: skip
BY_ID: Mapping[str, Component] = {component.id: component for component in COMPONENTS}
PLACES: Mapping[str, int] = {component.id: place for place, component in enumerate(COMPONENTS)}
"""Where the cells of an observation have each component."""
DIMENSIONS = tuple(component for component in COMPONENTS if component.role == "dimension")
"""Those that a key is made of, in its order."""
ATTRIBUTES = tuple(component for component in COMPONENTS if component.role == "attribute")

COMPARATORS = {"<": "lt", "<=": "le", "=": "eq", "~": "ap", ">=": "ge", ">": "gt"}
"""A code may not contain signs: the prefixes by which FHIR searches stand for its comparators."""

CLOSED: Vocabulary = {
    "CL_FREQ": {
        "A": ("Annual", "年"),
        "S": ("Half-yearly", "半年"),
        "Q": ("Quarterly", "季"),
        "M": ("Monthly", "月"),
        "D": ("Daily", "日"),
        "_O": ("Other", "其他"),
        "_U": ("Unspecified: no period is stated that has dates", "未说明"),
    },
    "CL_NATURE": {"actual": ("Actual", "实际"), "planned": ("Planned", "计划"), "target": ("Target", "目标")},
    "CL_COMPARATOR": {
        "lt": ("Less than (<)", "小于"),
        "le": ("At most (<=)", "不超过"),
        "eq": ("Equal to (=)", "等于"),
        "ap": ("About (~)", "约"),
        "ge": ("At least (>=)", "不少于"),
        "gt": ("More than (>)", "大于"),
    },
    "CL_BOUNDS_BASIS": {
        "stated": ("Stated by the hedge", "修饰词所述"),
        "convention": ("10 % to either side, by convention", "按惯例上下各10%"),
        "none": ("No bounds", "无上下界"),
    },
    "CL_OBS_STATUS": {
        "A": ("Normal value", "正常值"),
        "M": ("Missing value: the source ranks, and states no number", "缺值：来源只述排名"),
    },
    "CL_RANK_BAND": {"leading": ("Among the leading", "前列"), "first_class": ("First-class", "一流")},
    "CL_PERIOD_BASIS": {
        "stated": ("Stated", "来源所述"),
        "derived": ("Derived from the publication date", "由发布日期推得"),
        "unstated": ("Not stated", "未说明"),
    },
}
"""The code lists that are the same whatever was published."""
OPEN: Mapping[str, Names] = {
    "CL_REF_AREA": ("Regions", "地区"),
    "CL_SUBJECT": ("Entities", "主体"),
    "CL_INDICATOR": ("Indicators", "指标"),
    "CL_SOURCE": ("Sources", "来源"),
    "CL_UNIT_MEASURE": ("Units (UCUM, ISO 4217)", "单位"),
}
"""The code lists that are made of what was published, with their names."""


@lru_cache(maxsize=4096)
def unit_code(unit: str) -> str:
    """The code of a unit: ``_`` for the braces of UCUM, and for other characters that no code has ``$`` and their number."""
    return sub(r"[^A-Za-z0-9-]", lambda found: "_" if found[0] in "{}" else f"${ord(found[0]):02X}", unit)
