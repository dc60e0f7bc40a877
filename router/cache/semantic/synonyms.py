"""Words that questions take from freely, and names that are written in several ways."""

from __future__ import annotations

from collections.abc import Mapping

_SYNONYMS = """
    fix repair mend troubleshoot resolve solve
    begin start commence
    end finish
    buy purchase
    obtain receive get gets got getting
    big large size bigger larger
    fast quick quickly rapid rapidly speed
    slow slowly
    create build construct built
    delete remove erase rid drop
    error fault bug
    answer reply respond response
    child kid kids children
    baby infant
    car automobile
    bike bicycle
    plane airplane aircraft flight
    doctor physician
    lawyer attorney
    choose pick select chose chosen
    find locate found
    differ different difference distinguish distinction differently
    summarise summarize summary
    benefit advantage pro pros
    drawback disadvantage con cons downside
    cost price pay fee charge
    film movie
    ill sick illness disease sickness
    country nation
    city town
    job occupation
    photo photograph picture photography pictures image
    store shop
    vacation holiday leave
    write author writer wrote written
    invent inventor invented invention
    discover discoverer discovered
    compose composer composed
    found founder founded
    colour color coloured
    learn study
    improve better enhance
    important essential crucial
    need require necessary needed mandatory obligatory
    method approach technique
    phone telephone smartphone mobile cellphone
    person people
    woman women
    man men
    mouse mice
    tall height high
    long length duration
    deep depth
    wide width
    old age aged
    far distance
    weigh weight heavy
    die died death dead
    born birth
    bought buy
    sold sell
    win won winner
    lose lost losing
    break broke broken
    teach taught
    grow grew grown
    fall fell fallen
    drink drank drunk
    eat ate eaten
    speak spoke spoken
    send sent
    forget forgot forgotten
    freeze froze frozen
    steal stole stolen
    email mail e-mail emails mails
    mean meaning
    soccer football
    flat apartment
    parcel package
    tv television
    luggage baggage
    fridge refrigerator
    gift present
    company firm
    boss manager
    salary wage wages
    folder directory
    website webpage site
    provider supplier
    exchange swap
    apologise apologize sorry
    switch change
    often frequently frequency
    allow permit permission permitted allowed
    help assist
    iterate loop
    film movie
    clever smart intelligent
    home house
    occur happen
    correct fix
    internet online web
    workout train exercise training
    year yearly annual annually years
    month monthly months
    week weekly weeks
    day daily days
    hour hourly hours
    neighbour neighbor neighbouring neighboring border
    tyre tire
    metre meter
    litre liter
    kilometre kilometer km
    grey gray
    mould mold
    programme program programming
    centre center
    favourite favorite
    behaviour behavior
    organise organize
    cancel cancelled canceled cancellation
    travel trip travelling traveling
    own possess
    near nearby close
    tip tipping
    cook prepare
    deliver delivery ship shipping
    order ordering
    screen display
    sign-in login
    metro subway underground
    publish release
    empty blank
    wash rinse
    move transfer
    calculate compute formula
    europe european
    africa african
    asia asian
    immediately instantly
    clothes clothing
    identification id
    purpose goal aim
    $ dollar usd
    € euro eur
    £ gbp
    ¥ yen
    % percent
    elevator lift
    autumn fall-season
    bin trash garbage
    sofa couch
    trousers pants
    doctor gp
    hospital clinic
"""
SYNONYMS: tuple[tuple[str, ...], ...] = tuple(tuple(group.split()) for group in _SYNONYMS.strip().splitlines())
"""Groups of words that questions take from freely."""

ALIASES: Mapping[str, str] = {
    "us": "usa", "u.s": "usa", "u.s.a": "usa", "america": "usa", "united states": "usa", "uk": "britain",
    "u.k": "britain",
    "united kingdom": "britain", "great britain": "britain", "nyc": "new york", "new york city": "new york",
    "get rid of": "remove", "gets rid of": "remove", "getting rid of": "remove", "right away": "immediately",
    "straight away": "immediately", "come out": "release", "came out": "release", "comes out": "release",
    "give back": "return", "gives back": "return", "send back": "return", "sends back": "return", "sign in": "login",
    "log in": "login", "find out": "find", "look for": "find", "as well as": "and", "dispose of": "remove",
    "take place": "happen", "takes place": "happen", "took place": "happen", "look up": "find",
    "la": "los angeles", "eu": "european union", "ai": "artificial intelligence", "ml": "machine learning",
    "js": "javascript", "ts": "typescript", "postgres": "postgresql", "k8s": "kubernetes", "golang": "go",
    "ww1": "world war 1", "wwi": "world war 1", "first world war": "world war 1", "world war i": "world war 1",
    "world war one": "world war 1", "ww2": "world war 2", "wwii": "world war 2", "second world war": "world war 2",
    "world war ii": "world war 2", "world war two": "world war 2",
}  # fmt: skip
"""Names, and verbs of two words, to the form in which they are compared."""
