"""English words whose forms no stemmer brings together: went and go, children and child."""

_FORMS = """
arise arose arisen; awake awoke; beat beaten; become became; begin began begun; bend bent; bind bound;
bite bit bitten; bleed bled; blow blew blown; break broke broken; breed bred; bring brought; build built;
burn burnt; buy bought; catch caught; choose chose chosen; cling clung; come came; creep crept; deal dealt;
dig dug; draw drew drawn; dream dreamt; drink drank drunk; drive drove driven; eat ate eaten;
fall fell fallen; feed fed; feel felt; fight fought; find found; flee fled; fly flew flown;
forbid forbade forbidden; forget forgot forgotten; forgive forgave forgiven; freeze froze frozen;
give gave given; go went gone; grow grew grown; hang hung; hear heard; hide hid hidden; hold held;
keep kept; kneel knelt; know knew known; lay laid; lead led; lean leant; leap leapt; learn learnt;
leave left; lend lent; light lit; lose lost; mean meant; meet met; pay paid; ride rode ridden;
ring rang rung; rise rose risen; run ran; see saw seen; seek sought; sell sold; send sent; sew sewn;
shake shook shaken; shine shone; shoot shot; show shown; shrink shrank shrunk; sing sang sung;
sink sank sunk; sit sat; sleep slept; smell smelt; speak spoke spoken; spend spent; spill spilt; spin spun;
stand stood; steal stole stolen; stick stuck; sting stung; strike struck; swear swore sworn; sweep swept;
swim swam swum; swing swung; take took taken; teach taught; tear tore torn; think thought;
throw threw thrown; understand understood; wake woke woken; wear wore worn; weave wove woven; win won;
write wrote written; child children; person people; man men; woman women; foot feet; tooth teeth;
mouse mice; goose geese; wife wives; knife knives; wolf wolves; shelf shelves; half halves; loaf loaves
"""
IRREGULAR = {form: forms.split()[0] for forms in _FORMS.split(";") for form in forms.split()[1:]}
"""Each form but the first, and the first. Forms that are other words as often are left out (lives)."""
