"""Ranking: words by BM25, vectors by cosine, both together by reciprocal rank."""

from collections import defaultdict
from collections.abc import Iterable

from .analysis import terms
from .indexes import Index, cosine, to_vector
from .request import Search, VectorQuery
from .simple_query import Clause, read_query

# A document of a list scores 1 / (60 + its rank), counted from one.
RANK_OFFSET = 60
Scored = list[tuple[str, float]]


def rank(index: Index, search: Search) -> Scored:
    """Keys and scores of all documents that match, the best first."""
    allowed = [key for key, document in index.visible().items() if search.filter is None or search.filter(document)]
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
    required_keys: set[str] | None = None
    scores: defaultdict[str, float] = defaultdict(float)
    required = [clause for clause in clauses if clause.required or search.mode == "all"]
    any_of: set[str] = set()
    for clause in clauses:
        matches = _scores(index, search, clause)
        keys = everything - matches.keys() if clause.excluded else set(matches)
        any_of |= keys
        if clause in required:
            required_keys = keys if required_keys is None else required_keys & keys
        for key in keys:
            scores[key] += matches.get(key, 0.0)
    keys = any_of if required_keys is None else required_keys
    return _best_first([(key, scores[key]) for key in allowed if key in keys])


def _scores(index: Index, search: Search, clause: Clause) -> dict[str, float]:
    """The documents that match a clause, and their scores."""
    scores: defaultdict[str, float] = defaultdict(float)
    for name in search.text_fields:
        words = index.words[name]
        wanted = [*clause.terms[:-1], *words.with_prefix(clause.terms[-1])] if clause.prefix else clause.terms
        found: defaultdict[str, float] = defaultdict(float)
        for term in wanted:
            for key, score in words.score(term).items():
                found[key] += score
        for key, score in found.items():
            if not clause.phrase or _contains(terms(str(index.documents[key].get(name) or "")), clause.terms):
                scores[key] += score
    return scores


def _contains(text: list[str], phrase: tuple[str, ...]) -> bool:
    return any(tuple(text[at : at + len(phrase)]) == phrase for at in range(len(text) - len(phrase) + 1))


def _by_vector(index: Index, query: VectorQuery, field: str, allowed: Iterable[str]) -> Scored:
    """The nearest `k`; a score is 1 / (2 - cosine), as at Azure."""
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
    """Sort, stably; documents without a value come first when ascending."""
    valued = [one for one in found if index.documents[one[0]].get(name) is not None]
    without = [one for one in found if index.documents[one[0]].get(name) is None]
    valued.sort(key=lambda one: index.documents[one[0]][name], reverse=descending)  # type: ignore[arg-type,return-value]
    return valued + without if descending else without + valued
