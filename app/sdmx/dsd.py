"""The data structure definition of observations, as data: its components and its closed code lists.

``OBS_VALUE`` is the only measure, so that one definition serves SDMX 2.1 and 3.0; the bounds are attributes of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from re import sub
from typing import Literal

AGENCY, FLOW, CONCEPTS, VERSION = "RI", "OBSERVATIONS", "CONCEPTS", "1.0.0"
"""The maintenance agency; the id of the data flow and of its structure; the id of the concept scheme; the version of all."""
TIME, VALUE, CLAIM = "TIME_PERIOD", "OBS_VALUE", "CLAIM"
ALL_DIMENSIONS = "AllDimensions"
"""Value of ``dimensionAtObservation``, instead of a dimension, for a flat list of observations without series."""
NOT_APPLICABLE = "_Z"
"""The reference area of entities that are active in many regions."""

InternationalString = tuple[str, str]
"""A text in English and in Chinese."""
CodeNames = Mapping[str, Mapping[str, InternationalString]]
"""The names of codes, by code list and code."""
Role = Literal["dimension", "time", "measure", "attribute"]
Type = Literal["String", "Integer", "Double", "ObservationalTimePeriod"]


@dataclass(frozen=True, slots=True)
class Component:
    """One component: its name, its role and the representation of its values.

    Attributes:
        id: The id of the component and of its concept.
        role: The role: dimension (``time`` for the time dimension), measure or attribute.
        names: The name in English and Chinese.
        codes: The code list of its values, or None.
        type: The type of its values, if they are no codes.
        column: The column of observations that it copies; None if it is derived from others.
    """

    id: str
    role: Role
    names: InternationalString
    codes: str | None = None
    type: Type = "String"
    column: str | None = None

    @property
    def is_numeric(self) -> bool:
        """True if its values are compared as numbers."""
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
"""Positions of the components in the cells of an observation."""
DIMENSIONS = tuple(component for component in COMPONENTS if component.role == "dimension")
"""The dimensions of a series key, in its order."""
ATTRIBUTES = tuple(component for component in COMPONENTS if component.role == "attribute")

COMPARATORS = {"<": "lt", "<=": "le", "=": "eq", "~": "ap", ">=": "ge", ">": "gt"}
"""Codes of comparators, which may not contain signs: the prefixes of FHIR searches."""

CLOSED: CodeNames = {
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
"""The code lists that do not depend on publications."""
OPEN: Mapping[str, InternationalString] = {
    "CL_REF_AREA": ("Regions", "地区"),
    "CL_SUBJECT": ("Entities", "主体"),
    "CL_INDICATOR": ("Indicators", "指标"),
    "CL_SOURCE": ("Sources", "来源"),
    "CL_UNIT_MEASURE": ("Units (UCUM, ISO 4217)", "单位"),
}
"""Names of the code lists whose codes come from publications."""


@lru_cache(maxsize=4096)
def unit_code(unit: str) -> str:
    """Return the code of a unit.

    The braces of UCUM become ``_``; other characters that codes may not have become ``$`` and their code point.
    """
    return sub(r"[^A-Za-z0-9-]", lambda match: "_" if match[0] in "{}" else f"${ord(match[0]):02X}", unit)
