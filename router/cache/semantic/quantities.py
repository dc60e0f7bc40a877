"""Words for numbers, units and times."""

from __future__ import annotations

from collections.abc import Mapping

_NUMBERS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
NUMBERS: Mapping[str, int] = {
    **{word: value for value, word in enumerate(_NUMBERS.split()) if word != "one"},
    **{word: 10 * place for place, word in enumerate(_TENS.split(), 2)},
}
"""Words for numbers but for `one`, which mostly counts nothing."""

SCALES: Mapping[str, int] = {
    "hundred": 100, "thousand": 1000, "k": 1000, "million": 10**6, "mn": 10**6, "billion": 10**9, "bn": 10**9,
    "trillion": 10**12, "dozen": 12,
}  # fmt: skip
PARTS: Mapping[str, str] = {
    "half": "1/2", "quarter": "1/4", "double": "x2", "twice": "x2", "triple": "x3", "thrice": "x3",
    "third": "#3", "fourth": "#4", "fifth": "#5", "sixth": "#6", "seventh": "#7",
    "eighth": "#8", "ninth": "#9", "tenth": "#10",
}  # fmt: skip

_UNITS = """
    km kilometre kilometer kilometres kilometers kms
    mile miles mi
    metre meter metres meters
    cm centimetre centimeter centimetres centimeters
    mm millimetre millimeter millimetres millimeters
    inch inches
    foot feet ft
    yard yards
    kg kilo kilos kilogram kilograms
    gram grams g
    mg milligram milligrams
    pound pounds lb lbs
    ounce ounces oz
    stone
    tonne tonnes ton tons
    litre liter litres liters l
    ml millilitre milliliter millilitres milliliters
    cup cups
    pint pints
    gallon gallons
    tablespoon tablespoons tbsp
    teaspoon teaspoons tsp
    celsius °c centigrade
    fahrenheit °f
    kelvin
    second seconds sec secs
    millisecond milliseconds ms
    minute minutes min mins
    hour hours hr hrs
    day days daily
    week weeks weekly
    month months monthly
    year years yearly annual annually
    decade decades
    century centuries
    usd dollar dollars $
    eur euro euros €
    gbp sterling £
    jpy yen ¥
    inr rupee rupees ₹
    cent cents
    percent % percentage
    kb kilobyte kilobytes
    mb megabyte megabytes
    gb gigabyte gigabytes
    tb terabyte terabytes
    bit bits megabit megabits mbit
    byte bytes
    watt watts w
    kilowatt kilowatts kw
    kwh
    volt volts v
    amp amps ampere amperes
    mph
    kph kmh
    acre acres
    hectare hectares
    calorie calories kcal
    joule joules
    bar
    psi
    hertz hz
"""
UNITS: Mapping[str, str] = {word: group.split()[0] for group in _UNITS.strip().splitlines() for word in group.split()}

_TIMES = """
    january jan
    february feb
    march
    april apr
    may-month
    june jun
    july jul
    august aug
    september sept sep
    october oct
    november nov
    december dec
    monday mon
    tuesday tue tues
    wednesday wed
    thursday thu thurs
    friday fri
    saturday sat
    sunday sun
    today tonight
    yesterday
    tomorrow
    weekend weekends
    noon midday
    midnight
    q1
    q2
    q3
    q4
    bc bce
    am-time
    pm
    easter
    christmas
    spring
    summer
    autumn
    winter
    ancient
    medieval
    modern
    nineteenth
    twentieth
    upcoming next
    previous past
    ago
    recent recently
"""
TIMES: Mapping[str, str] = {word: group.split()[0] for group in _TIMES.strip().splitlines() for word in group.split()}
