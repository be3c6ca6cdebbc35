"""The words of each resource, how they are taken from a body, and how far the taking has come."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Not said by people: addresses, what base64 holds, the server's own stamps.
_SILENT = (
    *("reference", "system", "url", "data", "hash", "valueBase64Binary", "carrierAIDC", "div"),
    *("resourceType", "versionId", "lastUpdated"),
)
_TEXT = '(@.type() == "string" || @.type() == "number")'
_HEARD = " && ".join(f'@.key != "{key}"' for key in _SILENT)
_FIELDS = f'strict $.** ? (@.type() == "object").keyvalue() ? ({_HEARD}).value ? {_TEXT}'
_ITEMS = f'strict $.** ? (@.type() == "array")[*] ? {_TEXT}'

_STATEMENTS = (
    # PostgreSQL's French stemmer, without its list of words to leave out: whoever asks for nothing else finds them.
    "create text search dictionary words (template = pg_catalog.snowball, language = french)",
    "create text search configuration words (copy = pg_catalog.french)",
    "alter text search configuration words alter mapping replace pg_catalog.french_stem with words",
    # Lower case, no accents, one space between words, and no punctuation, so that an address or a double name is
    # several words. Accents go before stemming, which then cannot tell `soignée` from `soigne`: hence the last step.
    r"""create function words_folded(raw text) returns text immutable parallel safe strict language sql as $$
        select regexp_replace(regexp_replace(
            case when raw !~ '[^\x01-\x7f]' then lower(raw) else
                replace(replace(replace(translate(
                    lower(regexp_replace(
                        normalize(raw, NFKD), '[\u0300-\u036f\u00ad\u200b-\u200f\u2060\ufeff]', '', 'g')),
                    'ŒÆØŁĐøłđ', 'œæoldold'), 'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss')
            end,
            '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\xbf\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff\u3000-\u303f]+', ' ', 'g'),
            'ees?(?= |$)', 'e', 'g')
        $$""",
    # The narrative's tags go, and what HTML calls é (`&eacute;`, `&#233;`, `&#xE9;`) is a letter again.
    r"""create function words_shown(div text) returns text immutable strict language sql as $$
        select case when spelled !~ '&#' then spelled else (
            select string_agg(case
                when part[2] ~ '^[0-9]{2,5}$' and part[2]::int between 32 and 12287 then chr(part[2]::int)
                when part[3] ~ '^0*[0-9a-fA-F]{2,4}$'
                    and ('x' || lpad(part[3], 8, '0'))::bit(32)::int between 32 and 12287
                then chr(('x' || lpad(part[3], 8, '0'))::bit(32)::int)
                else coalesce(part[1], ' ') end, '')
            from regexp_matches(spelled, '(&#([0-9]+);|&#[xX]([0-9a-fA-F]+);|[^&]+|&)', 'g') part) end
        from (select regexp_replace(regexp_replace(div, '<!--.*?-->|<[^>]*>', ' ', 'g'),
            '&([A-Za-z]{1,2})(acute|grave|circ|uml|cedil|tilde|ring|slash|caron|lig);', '\1', 'g') as spelled) s
        $$""",
    f"""create function words_held(tree jsonb) returns text immutable strict language sql as $$
        select string_agg(leaf #>> '{{}}', ' ') from (
            select jsonb_path_query(tree, '{_FIELDS}') leaf
            union all
            select jsonb_path_query(tree, '{_ITEMS}')) l
        $$""",
    # A tsvector has a limit of 1 MB of words: a text beyond it is known by its beginning.
    """create function words_added(known tsvector, folded text, weight "char") returns tsvector
        stable strict language plpgsql as $$
        declare
            piece text;
            rest text := folded;
        begin
            while rest <> '' loop
                piece := left(rest, 200000);
                if length(rest) > 200000 then
                    piece := left(piece, 200000 - position(' ' in reverse(right(piece, 2000))));
                end if;
                rest := substr(rest, length(piece) + 1);
                known := known || setweight(to_tsvector('words'::regconfig, piece), weight);
            end loop;
            return known;
        exception when program_limit_exceeded then
            return known;
        end $$""",
    # The words of a body; those of the narrative have the weight A. A body that PostgreSQL cannot read as JSON (a NUL,
    # a number of a million digits) is one text.
    """create function words_of(body bytea) returns tsvector
        stable strict language plpgsql set client_min_messages = error as $$
        declare
            tree jsonb;
        begin
            begin
                tree := convert_from(body, 'UTF8')::jsonb;
            exception when data_exception or program_limit_exceeded then
                return words_added('', words_folded(convert_from(body, 'UTF8')), 'D');
            end;
            return words_added(
                words_added('', coalesce(words_folded(words_shown(tree #>> '{text,div}')), ''), 'A'),
                coalesce(words_folded(words_held(tree)), ''), 'D');
        end $$""",
    # What is asked, as `search/words.py` takes it apart: operators, `=word or phrase`, `*beginning of a word`.
    """create function words_asked(parts text[], label text) returns tsquery
        stable strict language plpgsql set client_min_messages = error as $$
        declare
            expression text;
            found tsquery;
        begin
            select string_agg(case
                when part ~ '^[=*]' then
                    '''' || coalesce(nullif(trim(words_folded(substr(part, 2))), ''), '.') || ''':'
                    || case when left(part, 1) = '*' then '*' else '' end || label
                else part end, ' ' order by place)
            into expression from unnest(parts) with ordinality p(part, place);
            found := to_tsquery('pg_catalog.french'::regconfig, expression);
            if numnode(found) = 0 then
                found := to_tsquery('words'::regconfig, expression);
            end if;
            return found;
        end $$""",
    """create table entry_text (
        pk bigint not null,
        words tsvector not null,
        primary key (pk))
    with (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02)""",
    "create index entry_text_words on entry_text using gin (words)",
    # Whatever was stamped up to here, in this order, has its words in `entry_text`. There is one row.
    """create table text_mark (
        updated bigint not null,
        pk bigint not null,
        primary key (updated, pk))""",
    "insert into text_mark (updated, pk) values (0, 0)",
)


def upgrade() -> None:
    connection = op.get_bind()
    for statement in _STATEMENTS:
        connection.exec_driver_sql(statement)  # which takes no colon for a parameter
