"""Which documents answer a search, the best first: words by BM25, vectors by cosine, both by reciprocal rank."""

from collections import defaultdict
from collections.abc import Iterable

from .analysis import terms
from .indexes import Index, cosine, to_vector
from .request import Search, VectorQuery
from .simple_query import Clause, read_query

# A list's document is worth 1 / (60 + its rank), ranks counted from one.
RANK_OFFSET = 60
Scored = list[tuple[str, float]]


def rank(index: Index, search: Search) -> Scored:
    """Keys and scores of all documents that answer it."""
    allowed = [key for key, document in index.visible().items() if search.test is None or search.test(document)]
    lists: list[Scored] = []
    text = search.text.strip()
    if text not in ("", "*"):
        lists.append(_by_words(index, search, allowed))
    elif not search.vectors:
        lists.append([(key, 1.0) for key in allowed])
    lists += [_by_vector(index, query, field, allowed) for query in search.vectors for field in query.fields]
    found = lists[0] if len(lists) == 1 else _fused(lists)
    for name, descending in reversed(search.order):
        found = _sorted_by(index, found, name, descending)
    return found


def _by_words(index: Index, search: Search, allowed: Iterable[str]) -> Scored:
    clauses = read_query(search.text)
    everything = set(index.documents)
    matched: set[str] | None = None
    scores: defaultdict[str, float] = defaultdict(float)
    required = [clause for clause in clauses if clause.required or search.mode == "all"]
    any_of: set[str] = set()
    for clause in clauses:
        having = _having(index, search, clause)
        keys = everything - having.keys() if clause.denied else set(having)
        any_of |= keys
        if clause in required:
            matched = keys if matched is None else matched & keys
        for key in keys:
            scores[key] += having.get(key, 0.0)
    keys = any_of if matched is None else matched
    return _best_first([(key, scores[key]) for key in allowed if key in keys])


def _having(index: Index, search: Search, clause: Clause) -> dict[str, float]:
    """The documents that have what a clause names, and what that is worth."""
    scores: defaultdict[str, float] = defaultdict(float)
    for name in search.words:
        words = index.words[name]
        wanted = [*clause.terms[:-1], *words.beginning(clause.terms[-1])] if clause.prefix else clause.terms
        found: defaultdict[str, float] = defaultdict(float)
        for term in wanted:
            for key, score in words.score(term).items():
                found[key] += score
        for key, score in found.items():
            if not clause.phrase or _side_by_side(terms(str(index.documents[key].get(name) or "")), clause.terms):
                scores[key] += score
    return scores


def _side_by_side(text: list[str], phrase: tuple[str, ...]) -> bool:
    return any(tuple(text[at : at + len(phrase)]) == phrase for at in range(len(text) - len(phrase) + 1))


def _by_vector(index: Index, query: VectorQuery, field: str, allowed: Iterable[str]) -> Scored:
    """The nearest `k`; the score of a cosine is 1 / (2 - cosine), as Azure has it."""
    vector, vectors = to_vector(query.vector), index.vectors[field]
    near = [(key, 1 / (2 - cosine(vectors[key], vector))) for key in allowed if key in vectors]
    return _best_first(near)[: query.k]


def _fused(lists: list[Scored]) -> Scored:
    scores: defaultdict[str, float] = defaultdict(float)
    for one in lists:
        for number, (key, _) in enumerate(one, start=1):
            scores[key] += 1 / (RANK_OFFSET + number)
    return _best_first(list(scores.items()))


def _best_first(found: Scored) -> Scored:
    return sorted(found, key=lambda one: -one[1])


def _sorted_by(index: Index, found: Scored, name: str, descending: bool) -> Scored:
    """Stable; documents without a value come first when ascending."""
    having = [one for one in found if index.documents[one[0]].get(name) is not None]
    without = [one for one in found if index.documents[one[0]].get(name) is None]
    having.sort(key=lambda one: index.documents[one[0]][name], reverse=descending)  # type: ignore[arg-type,return-value]
    return having + without if descending else without + having
