"""The word lists behind the prompts, written by hand; every list is keyed by difficulty level, easiest first."""

from __future__ import annotations

CAPITALS: dict[int, str] = {
    1: "France=Paris; Italy=Rome; Spain=Madrid; Germany=Berlin; Japan=Tokyo; China=Beijing; Russia=Moscow; England=London; Egypt=Cairo; Greece=Athens; Ireland=Dublin; Portugal=Lisbon; India=New Delhi|Delhi; Cuba=Havana; Sweden=Stockholm; Austria=Vienna; Canada=Ottawa; Australia=Canberra",
    2: "Norway=Oslo; Denmark=Copenhagen; Finland=Helsinki; Poland=Warsaw; Hungary=Budapest; Belgium=Brussels; Turkey=Ankara; Thailand=Bangkok; Argentina=Buenos Aires; Peru=Lima; Chile=Santiago; Kenya=Nairobi; Iran=Tehran; Iraq=Baghdad; Syria=Damascus; Israel=Jerusalem; Ukraine=Kyiv|Kiev; South Korea=Seoul; Vietnam=Hanoi; Mexico=Mexico City; Scotland=Edinburgh; Wales=Cardiff",
    3: "Romania=Bucharest; Bulgaria=Sofia; Serbia=Belgrade; Croatia=Zagreb; Czech Republic=Prague; Slovakia=Bratislava; Lebanon=Beirut; Jordan=Amman; Libya=Tripoli; Tunisia=Tunis; Algeria=Algiers; Morocco=Rabat; Pakistan=Islamabad; Nepal=Kathmandu; Bangladesh=Dhaka; Indonesia=Jakarta; Malaysia=Kuala Lumpur; Philippines=Manila; Colombia=Bogota|Bogotá; Venezuela=Caracas; Ecuador=Quito; Iceland=Reykjavik|Reykjavík; Nigeria=Abuja; Ethiopia=Addis Ababa; New Zealand=Wellington; Switzerland=Bern; Brazil=Brasilia|Brasília; Saudi Arabia=Riyadh; Afghanistan=Kabul; Mongolia=Ulaanbaatar|Ulan Bator",
    4: "Latvia=Riga; Lithuania=Vilnius; Estonia=Tallinn; Slovenia=Ljubljana; Albania=Tirana; Georgia=Tbilisi; Armenia=Yerevan; Azerbaijan=Baku; Cyprus=Nicosia; Malta=Valletta; Ghana=Accra; Senegal=Dakar; Uganda=Kampala; Zambia=Lusaka; Zimbabwe=Harare; Angola=Luanda; Sudan=Khartoum; Somalia=Mogadishu; Uruguay=Montevideo; Paraguay=Asuncion|Asunción; Bolivia=La Paz|Sucre; Honduras=Tegucigalpa; Nicaragua=Managua; Jamaica=Kingston; Haiti=Port-au-Prince; Cambodia=Phnom Penh; Laos=Vientiane; Qatar=Doha; Oman=Muscat; Yemen=Sanaa|Sana'a; Belarus=Minsk; Moldova=Chisinau|Chișinău; Uzbekistan=Tashkent; Fiji=Suva; Bosnia and Herzegovina=Sarajevo; North Macedonia=Skopje; Costa Rica=San Jose|San José",
    5: "Kazakhstan=Astana|Nur-Sultan; Kyrgyzstan=Bishkek; Tajikistan=Dushanbe; Turkmenistan=Ashgabat; Bhutan=Thimphu; Sri Lanka=Colombo|Sri Jayawardenepura Kotte; Brunei=Bandar Seri Begawan; Burkina Faso=Ouagadougou; Mali=Bamako; Niger=Niamey; Chad=N'Djamena|Ndjamena; Gabon=Libreville; Togo=Lome|Lomé; Benin=Porto-Novo; Gambia=Banjul; Liberia=Monrovia; Sierra Leone=Freetown; Mauritania=Nouakchott; Malawi=Lilongwe; Botswana=Gaborone; Namibia=Windhoek; Lesotho=Maseru; Rwanda=Kigali; Burundi=Gitega|Bujumbura; Madagascar=Antananarivo; Mozambique=Maputo; Eritrea=Asmara; Djibouti=Djibouti; Suriname=Paramaribo; Guyana=Georgetown; Belize=Belmopan; El Salvador=San Salvador; Barbados=Bridgetown; Samoa=Apia; Tonga=Nuku'alofa|Nukualofa; Vanuatu=Port Vila; Tuvalu=Funafuti; Palau=Ngerulmud; Montenegro=Podgorica; Liechtenstein=Vaduz; Papua New Guinea=Port Moresby; Solomon Islands=Honiara; Cameroon=Yaounde|Yaoundé; Guinea=Conakry; Equatorial Guinea=Malabo; Comoros=Moroni",
}

OPPOSITES: dict[int, str] = {
    1: "hot=cold; big=small|little; up=down; good=bad; day=night; happy=sad|unhappy; black=white; yes=no; left=right; open=closed|close|shut; old=new|young; fast=slow; high=low; long=short; in=out; on=off; day=night; rich=poor; hard=soft|easy; light=dark|heavy; true=false; wet=dry; first=last; small=big|large; slow=fast|quick; sad=happy|glad; dark=light|bright; poor=rich|wealthy",
    2: "early=late; full=empty; strong=weak; clean=dirty; love=hate; start=finish|end|stop; win=lose; buy=sell; push=pull; thick=thin; wide=narrow; deep=shallow; loud=quiet|soft; sweet=sour|bitter; north=south; east=west; inside=outside; above=below|beneath; before=after; always=never; young=old; alive=dead; near=far; safe=dangerous|unsafe; beautiful=ugly",
    3: "ancient=modern; brave=cowardly|afraid|fearful; cheap=expensive; generous=selfish|stingy; innocent=guilty; maximum=minimum; victory=defeat; success=failure; increase=decrease; accept=reject|refuse; arrive=depart|leave; attack=defend; borrow=lend; create=destroy; expand=contract|shrink; import=export; public=private; rough=smooth; sharp=dull|blunt; simple=complex|complicated; temporary=permanent; visible=invisible; wise=foolish; whisper=shout|yell; question=answer; lend=borrow; tight=loose",
    4: "ascend=descend; artificial=natural; optimist=pessimist; ally=enemy|foe; abundant=scarce; vertical=horizontal; interior=exterior; majority=minority; conceal=reveal; praise=criticize|criticise|blame; humble=proud|arrogant; flexible=rigid|inflexible; transparent=opaque; friend=enemy|foe; asset=liability; profit=loss; superior=inferior; voluntary=compulsory|involuntary|mandatory; active=passive|inactive; entrance=exit; internal=external; pleasant=unpleasant; major=minor; encourage=discourage; permit=forbid|prohibit; lengthen=shorten; arrogant=humble; positive=negative; absent=present",
    5: "zenith=nadir; benign=malignant; verbose=concise|terse|succinct; acquit=convict; lethargic=energetic; frugal=extravagant|wasteful; novice=expert|veteran; exodus=influx; dearth=abundance; amateur=professional; mitigate=aggravate|exacerbate; hostile=friendly; barren=fertile; obscure=clear|obvious|famous; antonym=synonym; monotony=variety; prologue=epilogue; centrifugal=centripetal; concave=convex; nocturnal=diurnal; hypo=hyper; implicit=explicit; sparse=dense; mandatory=optional|voluntary; introvert=extrovert; subjective=objective; inhale=exhale; antique=modern|new; diligent=lazy; timid=bold|brave; orthodox=heterodox|unorthodox",
}

TRANSLATIONS: dict[int, str] = {
    1: "dog=chien/perro/Hund; cat=chat/gato/Katze; house=maison/casa/Haus; water=eau/agua/Wasser; bread=pain/pan/Brot; red=rouge/rojo/rot; yes=oui/sí|si/ja; no=non/no/nein; book=livre/libro/Buch; night=nuit/noche/Nacht; day=jour/día|dia/Tag; man=homme/hombre/Mann; woman=femme/mujer/Frau; love=amour/amor/Liebe; milk=lait/leche/Milch; friend=ami/amigo/Freund; good=bon/bueno/gut; sun=soleil/sol/Sonne; moon=lune/luna/Mond; school=école|ecole/escuela/Schule",
    2: "horse=cheval/caballo/Pferd; fish=poisson/pescado|pez/Fisch; bird=oiseau/pájaro|pajaro|ave/Vogel; tree=arbre/árbol|arbol/Baum; flower=fleur/flor/Blume; table=table/mesa/Tisch; door=porte/puerta/Tür; window=fenêtre|fenetre/ventana/Fenster; street=rue/calle/Straße|Strasse; city=ville/ciudad/Stadt; king=roi/rey/König; white=blanc/blanco/weiß|weiss; black=noir/negro/schwarz; green=vert/verde/grün; blue=bleu/azul/blau; hand=main/mano/Hand; head=tête|tete/cabeza/Kopf; heart=cœur|coeur/corazón|corazon/Herz; winter=hiver/invierno/Winter; summer=été|ete/verano/Sommer; cheese=fromage/queso/Käse; wine=vin/vino/Wein; egg=œuf|oeuf/huevo/Ei; apple=pomme/manzana/Apfel; year=année|an/año/Jahr",
    3: "brother=frère|frere/hermano/Bruder; sister=sœur|soeur/hermana/Schwester; child=enfant/niño|hijo/Kind; chair=chaise/silla/Stuhl; bed=lit/cama/Bett; kitchen=cuisine/cocina/Küche; garden=jardin/jardín|jardin/Garten; church=église|eglise/iglesia/Kirche; bridge=pont/puente/Brücke; river=fleuve|rivière|riviere/río|rio/Fluss; mountain=montagne/montaña|monte/Berg; sea=mer/mar/Meer; island=île|ile/isla/Insel; forest=forêt|foret/bosque/Wald; sky=ciel/cielo/Himmel; rain=pluie/lluvia/Regen; snow=neige/nieve/Schnee; wind=vent/viento/Wind; fire=feu/fuego/Feuer; earth=terre/tierra/Erde; cow=vache/vaca/Kuh; pig=cochon|porc/cerdo/Schwein; sheep=mouton/oveja/Schaf; chicken=poulet/pollo/Huhn|Hähnchen; shoe=chaussure/zapato/Schuh; dress=robe/vestido/Kleid; money=argent/dinero/Geld; time=temps/tiempo/Zeit; work=travail/trabajo/Arbeit; war=guerre/guerra/Krieg; peace=paix/paz/Frieden",
    4: "knife=couteau/cuchillo/Messer; fork=fourchette/tenedor/Gabel; spoon=cuillère|cuillere/cuchara/Löffel; shirt=chemise/camisa/Hemd; spider=araignée|araignee/araña/Spinne; rabbit=lapin/conejo/Kaninchen|Hase; mouse=souris/ratón|raton/Maus; butter=beurre/mantequilla/Butter; salt=sel/sal/Salz; sugar=sucre/azúcar|azucar/Zucker; potato=pomme de terre|patate/patata|papa/Kartoffel; onion=oignon/cebolla/Zwiebel; strawberry=fraise/fresa/Erdbeere; cherry=cerise/cereza/Kirsche; lemon=citron/limón|limon/Zitrone; mirror=miroir/espejo/Spiegel; key=clé|clef|cle/llave/Schlüssel; bottle=bouteille/botella/Flasche; glass=verre/vidrio|vaso|cristal/Glas; dream=rêve|reve/sueño/Traum; shadow=ombre/sombra/Schatten; silver=argent/plata/Silber; gold=or/oro/Gold; finger=doigt/dedo/Finger; tooth=dent/diente/Zahn; nose=nez/nariz/Nase; ear=oreille/oreja|oído/Ohr; bone=os/hueso/Knochen; blood=sang/sangre/Blut; castle=château|chateau/castillo/Schloss|Burg; soldier=soldat/soldado/Soldat; farmer=agriculteur|fermier|paysan/agricultor|granjero/Bauer|Landwirt",
    5: "squirrel=écureuil|ecureuil/ardilla/Eichhörnchen; hedgehog=hérisson|herisson/erizo/Igel; owl=hibou|chouette/búho|buho|lechuza/Eule; turtle=tortue/tortuga/Schildkröte; butterfly=papillon/mariposa/Schmetterling; snail=escargot/caracol/Schnecke; pillow=oreiller/almohada/Kissen; blanket=couverture/manta/Decke; scissors=ciseaux/tijeras/Schere; hammer=marteau/martillo/Hammer; nail=clou|ongle/clavo|uña/Nagel; umbrella=parapluie/paraguas/Regenschirm|Schirm; lightning=foudre|éclair|eclair/relámpago|relampago|rayo/Blitz; thunder=tonnerre/trueno/Donner; wheat=blé|ble/trigo/Weizen; garlic=ail/ajo/Knoblauch; mushroom=champignon/hongo|seta|champiñón/Pilz; plum=prune/ciruela/Pflaume; thumb=pouce/pulgar/Daumen; elbow=coude/codo/Ellbogen|Ellenbogen; knee=genou/rodilla/Knie; shoulder=épaule|epaule/hombro/Schulter; ankle=cheville/tobillo/Knöchel; candle=bougie|chandelle/vela/Kerze; needle=aiguille/aguja/Nadel; shovel=pelle/pala/Schaufel; lighthouse=phare/faro/Leuchtturm; seagull=mouette/gaviota/Möwe",
}
"""English=French/Spanish/German."""

LANGUAGES = ("French", "Spanish", "German")

PLURALS: dict[int, str] = {
    1: "cat=cats; dog=dogs; car=cars; book=books; tree=trees; house=houses; table=tables; girl=girls; apple=apples; hand=hands; star=stars; bird=birds; cup=cups; shoe=shoes; boat=boats; king=kings; road=roads; song=songs; chair=chairs; door=doors",
    2: "box=boxes; bus=buses; dish=dishes; church=churches; fox=foxes; glass=glasses; brush=brushes; watch=watches; kiss=kisses; class=classes; city=cities; baby=babies; lady=ladies; party=parties; story=stories; country=countries; fly=flies; berry=berries; puppy=puppies; penny=pennies|pence",
    3: "man=men; woman=women; child=children; foot=feet; tooth=teeth; mouse=mice; goose=geese; leaf=leaves; knife=knives; wife=wives; life=lives; wolf=wolves; half=halves; shelf=shelves; thief=thieves; loaf=loaves; potato=potatoes; tomato=tomatoes; hero=heroes; echo=echoes; monkey=monkeys; toy=toys; piano=pianos; photo=photos; roof=roofs|rooves",
    4: "sheep=sheep; deer=deer; fish=fish|fishes; series=series; species=species; ox=oxen; person=people|persons; louse=lice; elf=elves; calf=calves; scarf=scarves|scarfs; dwarf=dwarves|dwarfs; hoof=hooves|hoofs; cactus=cacti|cactuses; fungus=fungi|funguses; radius=radii|radiuses; crisis=crises; thesis=theses; analysis=analyses; oasis=oases; basis=bases; moose=moose; aircraft=aircraft; salmon=salmon; bison=bison; quiz=quizzes; veto=vetoes; torpedo=torpedoes",
    5: "phenomenon=phenomena; criterion=criteria; bacterium=bacteria; datum=data; medium=media|mediums; larva=larvae; alga=algae; vertebra=vertebrae; appendix=appendices|appendixes; matrix=matrices|matrixes; vertex=vertices|vertexes; axis=axes; stimulus=stimuli; nucleus=nuclei; syllabus=syllabi|syllabuses; alumnus=alumni; curriculum=curricula|curriculums; stratum=strata; genus=genera; corpus=corpora|corpuses; hypothesis=hypotheses; parenthesis=parentheses; ellipsis=ellipses; mother-in-law=mothers-in-law; passer-by=passers-by; attorney general=attorneys general|attorney generals; die=dice; cherub=cherubim|cherubs; addendum=addenda|addendums; antenna=antennae|antennas; formula=formulas|formulae; ovum=ova",
}

PASTS: dict[int, str] = {
    1: "walk=walked; play=played; jump=jumped; talk=talked; look=looked; help=helped; work=worked; cook=cooked; open=opened; call=called; ask=asked; clean=cleaned; want=wanted; love=loved; like=liked; live=lived; move=moved; close=closed; use=used; dance=danced; smile=smiled",
    2: "go=went; see=saw; eat=ate; run=ran; come=came; take=took; give=gave; make=made; have=had; say=said; get=got; know=knew; think=thought; find=found; tell=told; buy=bought; write=wrote; sing=sang; drink=drank; sit=sat; stop=stopped; plan=planned; drop=dropped; carry=carried; study=studied; try=tried; cry=cried; marry=married; hug=hugged",
    3: "begin=began; break=broke; bring=brought; build=built; catch=caught; choose=chose; draw=drew; drive=drove; fall=fell; feel=felt; fight=fought; fly=flew; forget=forgot; grow=grew; hear=heard; hide=hid; hold=held; keep=kept; leave=left; lose=lost; meet=met; ride=rode; ring=rang; rise=rose; sell=sold; send=sent; sleep=slept; speak=spoke; spend=spent; stand=stood; steal=stole; swim=swam; teach=taught; throw=threw; wake=woke; wear=wore; win=won; shake=shook",
    4: "put=put; cut=cut; hit=hit; shut=shut; hurt=hurt; cost=cost; let=let; set=set; read=read; spread=spread; bite=bit; blow=blew; creep=crept; deal=dealt; dig=dug; feed=fed; freeze=froze; hang=hung|hanged; kneel=knelt|kneeled; lead=led; light=lit|lighted; seek=sought; shine=shone|shined; shoot=shot; shrink=shrank|shrunk; sink=sank; slide=slid; spin=spun; stick=stuck; sting=stung; strike=struck; swear=swore; sweep=swept; swing=swung; tear=tore; weave=wove; weep=wept; bleed=bled; cling=clung; panic=panicked",
    5: "forsake=forsook; smite=smote; slay=slew|slayed; tread=trod; stride=strode; strive=strove|strived; thrive=thrived|throve; beseech=besought|beseeched; bind=bound; grind=ground; wind=wound; flee=fled; fling=flung; wring=wrung; slink=slunk; sling=slung; abide=abode|abided; arise=arose; awake=awoke|awaked; bear=bore; beget=begot; behold=beheld; breed=bred; cast=cast; forbid=forbade|forbad; forgive=forgave; shear=sheared|shore; shed=shed; stink=stank|stunk; undergo=underwent; withdraw=withdrew; withhold=withheld; spit=spat|spit; lie=lay|lied; lay=laid; mow=mowed; sew=sewed; overtake=overtook; mistake=mistook; split=split",
}

CURRENCIES: dict[int, str] = {
    1: "Japan=yen|Japanese yen; United States=dollar|US dollar|dollars|United States dollar; United Kingdom=pound|pound sterling|British pound|sterling; France=euro; Germany=euro; China=yuan|renminbi|Chinese yuan; India=rupee|Indian rupee; Russia=ruble|rouble|Russian ruble; Italy=euro; Spain=euro; Canada=dollar|Canadian dollar; Mexico=peso|Mexican peso; Australia=dollar|Australian dollar",
    2: "Switzerland=franc|Swiss franc; Sweden=krona|Swedish krona; Denmark=krone|Danish krone; Norway=krone|Norwegian krone; Poland=zloty|złoty|Polish zloty; Turkey=lira|Turkish lira; Brazil=real|Brazilian real; South Korea=won|South Korean won|Korean won; South Africa=rand|South African rand; Thailand=baht|Thai baht; Israel=shekel|new shekel|Israeli shekel|sheqel; Argentina=peso|Argentine peso; Greece=euro; Egypt=pound|Egyptian pound; Ireland=euro; Portugal=euro; Netherlands=euro",
    3: "Hungary=forint|Hungarian forint; Czech Republic=koruna|Czech koruna; Pakistan=rupee|Pakistani rupee; Indonesia=rupiah|Indonesian rupiah; Malaysia=ringgit|Malaysian ringgit; Philippines=peso|Philippine peso; Vietnam=dong|Vietnamese dong; Nigeria=naira|Nigerian naira; Kenya=shilling|Kenyan shilling; Saudi Arabia=riyal|Saudi riyal; Iran=rial|Iranian rial; Iraq=dinar|Iraqi dinar; Chile=peso|Chilean peso; Colombia=peso|Colombian peso; Ukraine=hryvnia|Ukrainian hryvnia; Iceland=krona|króna|Icelandic krona|Icelandic króna; New Zealand=dollar|New Zealand dollar; Singapore=dollar|Singapore dollar; Finland=euro; Austria=euro",
    4: "Romania=leu|Romanian leu; Bulgaria=lev|euro|Bulgarian lev; Morocco=dirham|Moroccan dirham; Algeria=dinar|Algerian dinar; Tunisia=dinar|Tunisian dinar; Ghana=cedi|Ghanaian cedi; Ethiopia=birr|Ethiopian birr; Bangladesh=taka|Bangladeshi taka; Nepal=rupee|Nepalese rupee; Cambodia=riel|Cambodian riel; Peru=sol|Peruvian sol|nuevo sol; Venezuela=bolivar|bolívar|Venezuelan bolivar; Kuwait=dinar|Kuwaiti dinar; Qatar=riyal|Qatari riyal|rial; Serbia=dinar|Serbian dinar; Jordan=dinar|Jordanian dinar; Belarus=ruble|Belarusian ruble; Cuba=peso|Cuban peso; Jamaica=dollar|Jamaican dollar; United Arab Emirates=dirham|UAE dirham",
    5: "Mongolia=tugrik|tögrög|togrog|Mongolian tugrik; Laos=kip|Lao kip; Myanmar=kyat|Burmese kyat; Georgia=lari|Georgian lari; Armenia=dram|Armenian dram; Azerbaijan=manat|Azerbaijani manat; Kazakhstan=tenge|Kazakhstani tenge; Uzbekistan=som|sum|soum; Albania=lek|Albanian lek; Zambia=kwacha|Zambian kwacha; Botswana=pula|Botswana pula; Angola=kwanza|Angolan kwanza; Honduras=lempira|Honduran lempira; Guatemala=quetzal|Guatemalan quetzal; Costa Rica=colon|colón|Costa Rican colón; Paraguay=guarani|guaraní|Paraguayan guarani; Haiti=gourde|Haitian gourde; Bhutan=ngultrum; Tonga=paanga|pa'anga; Gambia=dalasi|Gambian dalasi; Samoa=tala; Mauritania=ouguiya",
}

COLOURS: dict[int, str] = {
    1: "grass=green; snow=white; the sky on a clear day=blue; blood=red; coal=black; a banana=yellow; milk=white; the sun=yellow|orange|golden; an orange=orange; a strawberry=red; a lemon=yellow; a tomato=red; chocolate=brown; the sea=blue; a rose=red; a frog=green",
    2: "a cherry=red; a carrot=orange; a pumpkin=orange; a cucumber=green; a lime=green; a pea=green; butter=yellow; cheese=yellow; salt=white; sugar=white; rice=white; a cloud=white|grey|gray; a fire engine=red; a stop sign=red; a school bus=yellow; a polar bear=white; a swan=white; a crow=black; a panther=black; an elephant=grey|gray; a flamingo=pink; a pig=pink; mud=brown; a tree trunk=brown; coffee=brown|black; a brick=red|brown; broccoli=green; a leaf in spring=green",
    3: "an emerald=green; a ruby=red; a sapphire=blue; gold=yellow|gold|golden; silver=silver|grey|gray; a pearl=white; an amethyst=purple|violet; a plum=purple; an eggplant=purple; lavender=purple|lavender|violet; a daffodil=yellow; a sunflower=yellow; a canary=yellow; a raven=black; a mouse=grey|gray|brown|white; a dolphin=grey|gray|blue; spinach=green; mustard=yellow; honey=yellow|golden|gold|amber; ivory=white; ash=grey|gray; rust=red|orange|brown; copper=red|orange|brown; a chestnut=brown; a walnut=brown; cotton=white; tar=black; ketchup=red; mint=green; a dandelion=yellow; a peach=orange|pink|yellow|peach; an avocado=green",
    4: "jade=green; turquoise=blue|green; saffron=yellow|orange|red; turmeric=yellow; sulfur=yellow; chlorine gas=green|yellow; cobalt glass=blue; obsidian=black; onyx=black; garnet=red; topaz=yellow|blue; a robin's breast=red|orange; a lobster after cooking=red|orange|pink; a zebra's stripes=black|white|black and white; a New York taxi=yellow; the planet Mars=red; the planet Neptune=blue; a ladybird=red; a cardinal=red; a salmon's flesh=pink|orange; an aubergine=purple; a raisin=brown|black; a fir tree=green; an olive=green|black; beetroot=red|purple; a bluebell=blue|purple; chalk=white; cinnamon=brown; a kiwi's flesh=green; an iceberg=white|blue; graphite=grey|gray|black; paprika=red",
}

SYMBOLS: dict[int, str] = {
    1: "oxygen=O; hydrogen=H; carbon=C; nitrogen=N; gold=Au; silver=Ag; iron=Fe; helium=He; calcium=Ca; sodium=Na",
    2: "chlorine=Cl; potassium=K; copper=Cu; zinc=Zn; lead=Pb; tin=Sn; aluminium=Al; sulfur=S; neon=Ne; iodine=I; magnesium=Mg; silicon=Si; phosphorus=P; lithium=Li; fluorine=F; mercury=Hg; nickel=Ni; uranium=U",
    3: "argon=Ar; boron=B; titanium=Ti; platinum=Pt; chromium=Cr; cobalt=Co; manganese=Mn; bromine=Br; barium=Ba; radium=Ra; krypton=Kr; xenon=Xe; radon=Rn; arsenic=As; tungsten=W; beryllium=Be; cadmium=Cd; bismuth=Bi; plutonium=Pu; selenium=Se",
    4: "antimony=Sb; strontium=Sr; vanadium=V; gallium=Ga; germanium=Ge; palladium=Pd; rhodium=Rh; caesium=Cs; cerium=Ce; thorium=Th; polonium=Po; francium=Fr; scandium=Sc; yttrium=Y; zirconium=Zr; niobium=Nb; iridium=Ir; osmium=Os; tantalum=Ta; thallium=Tl; indium=In; rubidium=Rb; americium=Am; einsteinium=Es; molybdenum=Mo; lanthanum=La; neodymium=Nd; europium=Eu; erbium=Er; hafnium=Hf",
}

CATEGORIES: dict[str, str] = {
    "animal": "dog cat horse cow pig lion tiger elephant bear wolf monkey rabbit giraffe zebra camel badger otter ferret lemur tapir okapi ibex gibbon wombat",
    "fruit": "apple banana orange grape pear peach cherry mango lemon plum melon apricot papaya kiwi fig guava lychee quince persimmon tangerine nectarine kumquat",
    "vegetable": "carrot potato onion cabbage spinach broccoli lettuce cauliflower celery radish turnip leek asparagus parsnip kale zucchini beetroot artichoke rutabaga kohlrabi",
    "tool": "hammer saw screwdriver drill wrench shovel axe pliers rake chisel spanner crowbar trowel mallet hacksaw sickle scythe awl",
    "vehicle": "car truck bus train bicycle motorcycle airplane helicopter van taxi tram ship tractor scooter ambulance canoe yacht minivan bulldozer dinghy",
    "instrument": "piano guitar violin drum flute trumpet cello harp saxophone clarinet banjo trombone oboe tuba accordion mandolin bassoon ukulele lute xylophone",
    "sport": "football tennis basketball baseball hockey golf swimming boxing cricket rugby volleyball skiing wrestling badminton fencing archery judo lacrosse karate polo",
    "clothing": "shirt dress coat hat sock jacket trousers skirt scarf sweater glove blouse jeans vest cardigan mitten pyjamas kilt poncho cloak",
    "furniture": "chair table sofa bed desk bookcase wardrobe stool bench cupboard armchair couch dresser cabinet nightstand ottoman sideboard divan",
    "drink": "water coffee tea milk beer wine lemonade juice cola whisky vodka cider champagne gin cocoa brandy espresso sherry",
    "metal": "iron gold silver copper steel lead tin aluminium zinc platinum bronze nickel titanium brass tungsten cobalt chromium palladium",
    "flower": "rose tulip daisy lily sunflower orchid daffodil violet poppy carnation iris marigold lavender peony begonia chrysanthemum geranium petunia",
    "bird": "eagle sparrow owl parrot robin crow pigeon duck swan hawk penguin flamingo falcon seagull woodpecker heron starling magpie finch osprey",
    "country": "France Japan Brazil Egypt Canada India Mexico Italy Norway Kenya Peru Thailand Poland Chile Ghana Nepal Latvia Laos Malawi Gabon",
    "language": "English Spanish German French Russian Arabic Japanese Portuguese Hindi Greek Turkish Dutch Korean Swedish Finnish Swahili Tamil Basque",
    "job": "teacher doctor nurse farmer baker lawyer carpenter plumber pilot engineer dentist tailor butcher electrician librarian accountant surgeon cobbler actuary",
}
"""Members run from common to rare."""

CATEGORY_ALSO: dict[str, str] = {
    "animal": "mammal",
    "instrument": "musical instrument",
    "drink": "beverage",
    "clothing": "clothes|garment",
    "bird": "animal",
    "job": "profession|occupation",
    "sport": "game",
    "vehicle": "transport",
}
"""Other words accepted for a category."""

RELATIONS: dict[str, str] = {
    "gender": "king=queen; man=woman; boy=girl; father=mother; brother=sister; uncle=aunt; son=daughter; prince=princess; husband=wife; actor=actress; bull=cow; rooster=hen; grandfather=grandmother; nephew=niece; waiter=waitress; duke=duchess; groom=bride; wizard=witch; monk=nun; stallion=mare",
    "young": "dog=puppy; cat=kitten; cow=calf; sheep=lamb; horse=foal; hen=chick; bear=cub; pig=piglet; duck=duckling; goat=kid; deer=fawn; frog=tadpole; swan=cygnet; goose=gosling; kangaroo=joey; eel=elver; hare=leveret",
    "home": "bird=nest; bee=hive; spider=web; dog=kennel; horse=stable; pig=sty; lion=den; king=palace; monk=monastery; soldier=barracks; nun=convent; rabbit=burrow; prisoner=prison|cell|jail; car=garage; airplane=hangar; ship=harbour|harbor|port",
    "sound": "dog=bark; cat=meow; cow=moo; lion=roar; sheep=bleat|baa; pig=oink|grunt; duck=quack; snake=hiss; horse=neigh; frog=croak; wolf=howl; owl=hoot; bee=buzz; mouse=squeak; elephant=trumpet; donkey=bray",
    "maker": "bread=baker; painting=painter|artist; book=author|writer; song=singer|musician|songwriter; house=builder; poem=poet; statue=sculptor; dress=tailor|dressmaker|designer; meal=cook|chef; film=director|filmmaker; symphony=composer; wine=vintner|winemaker; shoe=cobbler|shoemaker; barrel=cooper; horseshoe=blacksmith|smith|farrier",
    "part": "tree=branch; hand=finger; foot=toe; book=page; house=room; flower=petal; bird=wing; fish=fin; car=wheel; week=day; year=month; hour=minute; minute=second; sentence=word; word=letter; army=soldier; choir=singer; fleet=ship; constellation=star; archipelago=island",
    "past": "go=went; see=saw; run=ran; eat=ate; write=wrote; sing=sang; take=took; buy=bought; fly=flew; swim=swam; bring=brought; teach=taught; seek=sought; weave=wove; tread=trod",
    "more": "good=better; bad=worse; big=bigger; small=smaller; far=farther|further; hot=hotter; easy=easier; happy=happier; little=less|smaller; many=more; thin=thinner; dry=drier; lazy=lazier; noisy=noisier",
    "nation": "France=French; Spain=Spanish; Italy=Italian; Germany=German; Japan=Japanese; Poland=Polish; Greece=Greek; Denmark=Danish; Portugal=Portuguese; Turkey=Turkish; Netherlands=Dutch; Peru=Peruvian; Wales=Welsh; Iceland=Icelandic; Cyprus=Cypriot; Norway=Norwegian",
}

SIZES: str = (
    "grain of sand; ant; ladybird; bee; coin; grape; walnut; egg; mouse; apple; sparrow; hamster; shoe; pigeon; rabbit; cat; goose; fox; goat; wolf; "
    "sheep; lion; bicycle; donkey; horse; cow; rhinoceros; elephant; bus; whale; house; church; football stadium; skyscraper; mountain; island; country; continent; planet; star; galaxy"
)
"""Things from small to large."""

COMMON_WORDS: dict[int, str] = {
    1: "cat dog sun map pen box hat cup bed car run red top net win fog jam kit log van zip web",
    2: "house river apple bread chair green table cloud train music water horse plant stone light night paper queen tiger lemon uncle yacht",
    3: "garden window basket dinner silver mother yellow forest hammer island jungle kettle ladder orange pencil rabbit ticket valley winter zipper",
    4: "elephant mountain umbrella hospital keyboard notebook calendar daughter festival governor triangle vacation wireless question necklace",
    5: "extraordinary chrysanthemum bureaucracy philosophical knowledgeable refrigerator juxtaposition quintessential mathematician xylophonist incomprehensible thermodynamics unquestionably rhododendron",
}

PEOPLE = [
    "Anna",
    "Peter",
    "Maria",
    "James",
    "Laura",
    "David",
    "Sofia",
    "Daniel",
    "Emma",
    "Victor",
    "Clara",
    "Oscar",
    "Nina",
    "Hugo",
    "Alice",
    "Felix",
    "Irene",
    "Bruno",
    "Greta",
    "Leon",
    "Marta",
    "Simon",
    "Vera",
    "Tomas",
    "Olga",
    "Ivan",
    "Petra",
    "Jonas",
]
SURNAMES = [
    "Lopez",
    "Smith",
    "Novak",
    "Becker",
    "Rossi",
    "Moreau",
    "Jensen",
    "Okafor",
    "Tanaka",
    "Weber",
    "Silva",
    "Kowalski",
    "Dubois",
    "Haas",
    "Lindgren",
    "Petrov",
    "Costa",
    "Fischer",
    "Nagy",
    "Romero",
]
CITIES = [
    "Paris",
    "London",
    "Oslo",
    "Lima",
    "Cairo",
    "Madrid",
    "Tokyo",
    "Vienna",
    "Boston",
    "Prague",
    "Dublin",
    "Lisbon",
    "Geneva",
    "Seattle",
    "Toronto",
    "Naples",
    "Bergen",
    "Kyoto",
    "Munich",
    "Athens",
    "Delhi",
    "Zagreb",
    "Tunis",
    "Quito",
]
THINGS = [
    "apples",
    "books",
    "pencils",
    "marbles",
    "stamps",
    "coins",
    "eggs",
    "cookies",
    "oranges",
    "tickets",
    "shells",
    "buttons",
    "cards",
    "balloons",
    "flowers",
    "plums",
    "candles",
    "stickers",
]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]

SUBJECTS = (
    "the film; the hotel; the soup; this phone; the concert; my new chair; the museum; the book; the waiter; this jacket; the flight; the game; the pizza; the play; "
    "this camera; the bakery; the course; the garden tour; the barber; the app"
)

SENTIMENTS: dict[int, dict[str, str]] = {
    1: {
        "positive": "was wonderful; was excellent; was fantastic and I loved it; was the best I have ever had; was great; made me very happy; was amazing; was perfect in every way; was a delight; was beautiful; was superb; was brilliant",
        "negative": "was terrible; was awful; was horrible and I hated it; was the worst I have ever had; was bad; made me very angry; was disgusting; was broken and useless; was a disaster; was ugly; was dreadful; was pathetic",
    },
    2: {
        "positive": "is worth every cent; kept me smiling all evening; is something I recommend to everyone; exceeded what I hoped for; works like a charm; left me wanting more; impressed all of my friends; is a real treat; brightened my whole week; deserves five stars; won me over at once; is a bargain for what you get",
        "negative": "is a waste of money; bored me to tears; is something I would warn everyone about; fell apart after a day; let me down; put me to sleep; annoyed all of my friends; is a real rip-off; ruined my whole week; deserves zero stars; lost me after a minute; is far too expensive for what you get",
    },
    3: {
        "positive": "was not bad at all; could hardly have been better; never once disappointed me; was nothing short of magical; left no wish unfulfilled; was far from boring; had no flaws that I could find; gave me no reason to complain; is not one I will soon forget, in the best way; was anything but dull; proved every critic wrong; was better than its ugly poster suggests",
        "negative": "was not good at all; could hardly have been worse; never once made me smile; was nothing like the praise it gets; left every wish unfulfilled; was far from exciting; had no charm that I could find; gave me no reason to return; is not worth the trip; was anything but fun; proved every warning right; was worse than its lovely poster suggests",
    },
    4: {
        "positive": "started slowly, yet I would go back tomorrow; had a rude beginning but ended in cheers; cost a fortune, and I would pay it again; looked cheap but outlived all the others; sounded silly until I tried it and could not stop; took ages, which I gladly forgave; is plain, honest and just right; broke my heart, and that is why I treasure it",
        "negative": "started nicely, yet I would not go back; had a friendly beginning but ended in tears of boredom; cost little, and was still too much; looked expensive but died before all the others; sounded clever until I tried it and wanted a refund; took ages, which I could not forgive; is shiny, loud and empty; made me laugh, though for all the wrong reasons",
    },
}
