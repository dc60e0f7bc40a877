"""Words that turn a question into another one: opposites, and what shape its answer is to have."""

from __future__ import annotations

import re
from collections.abc import Mapping

_OPPOSITES = """
    increase increasing raise raising grow boost boosting gain gaining higher up more most maximum maximise
        maximize max upper add largest biggest highest greater | decrease decreasing reduce reducing lower lowering
        shrink cut cutting lose losing less least fewer fewest minimum minimise minimize min down drop subtract
        smallest lowest smaller
    before prior earlier | after following later
    earliest oldest first older | latest newest last newer younger youngest
    buy buying purchase | sell selling
    import importing imports | export exporting exports
    enable enabling activate on allow allowing permit | disable disabling deactivate off block blocking forbid
        prevent
    open opening unlock | close closing shut lock
    start starting begin launch | stop stopping end quit finish
    encrypt encode compress zip upload | decrypt decode decompress unzip extract download
    best good better advantage advantages pros benefit benefits strength strengths | worst bad worse disadvantage
        disadvantages cons drawback drawbacks risk risks weakness weaknesses
    legal allowed | illegal forbidden prohibited
    safe | dangerous unsafe
    hot warm heat heating warmer hottest | cold cool chill cooling colder coldest freeze freezing
    cheap cheaper cheapest | expensive dearest priciest
    fast faster fastest quick quickest quickly speed | slow slower slowest slowly
    win won winner wins | lose lost loser loses
    borrow borrowing | lend lending
    lend | repay
    push | pull
    send sending | receive receiving
    credit | debit
    asset assets | liability liabilities
    arrive arrival arrivals arriving | depart departure departures departing leave leaving
    cause causes | cure treat treatment prevent
    symptom symptoms | treatment cure
    north northern | south southern
    east eastern | west western
    left | right
    male men man boy boys husband father son he him his himself | female women woman girl girls wife mother
        daughter she her hers herself
    my mine | your yours
    indoor indoors inside | outdoor outdoors outside
    positive | negative
    true | false
    acid acidic | base basic alkaline
    input | output
    install installing | uninstall uninstalling
    login | logout
    connect connecting | disconnect
    lock | unlock
    subscribe | unsubscribe
    follow | unfollow
    mute | unmute
    freeze | thaw defrost
    tighten | loosen
    accept | reject decline refuse
    hire hiring | fire firing
    include including with | exclude excluding without except
    public | private
    ascending | descending
    horizontal horizontally | vertical vertically
    row rows | column columns
    client | server
    winter | summer
    spring | autumn
    morning | evening night
    sunrise | sunset
    beginner beginners | advanced expert
    formal | informal casual
    short shorter shortest brief | long longer longest
    wide | narrow
    strong stronger | weak weaker
    hard difficult | easy simple
    soft | hard
    wet | dry
    full | empty
    early | late
    young | old
    rich | poor
    renew | cancel
    approve | deny
    deposit | withdraw withdrawal
    lease rent | own
    introvert introverts | extrovert extroverts
    vegetarian vegan | meat
    gain | loss
    maximum | minimum
    inner | outer
    internal | external
    import | export
    pass | fail
    love like | hate dislike
    remember | forget
    appear | disappear
    expand | collapse contract
    attach | detach
    inhale | exhale
"""
OPPOSITES: tuple[tuple[frozenset[str], frozenset[str]], ...] = tuple(
    (frozenset(one.split()), frozenset(other.split()))
    # A line that is indented further goes on with the one above it.
    for one, _, other in (line.partition("|") for line in re.split(r"\n {4}(?! )", _OPPOSITES.rstrip())[1:])
)
"""Pairs of groups: a question with a word of one asks something else than the same with a word of the other."""

_FORMS = """
    list bullets bullet bulleted
    table spreadsheet
    json
    yaml
    xml
    csv
    html
    markdown
    poem haiku limerick sonnet
    song lyrics
    letter memo
    essay
    story tale
    joke
    tweet
    headline
    slogan tagline
    briefly concise concisely
    detail detailed details thorough thoroughly
    sentence sentences
    paragraph paragraphs
    example examples
    beginner beginners layman
    expert experts
    formal formally
    informal casual
    funny humorous
    diagram chart
    translate translation
    pronounce pronunciation
    spell spelling
    quiz
    outline
    template
    recipe
    prove proof
    step-by-step
    compare comparison
    opinion
    critique criticise criticize
    rewrite rephrase paraphrase
    proofread
"""
FORMS: Mapping[str, str] = {word: group.split()[0] for group in _FORMS.strip().splitlines() for word in group.split()}
"""Words that ask for another shape, length, register or reader of the answer."""
