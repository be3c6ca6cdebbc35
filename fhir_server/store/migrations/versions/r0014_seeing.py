"""Who sees what the masks alone do not tell: see `store/seeing.py`."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# `search/sight.py` in SQL. `masks`: six kinds of them by tie (full, named, least, own, shows, opens), and then the
# number of the cell sante-sensible, what is seen without a tie, what is kept, and the moment. Labels: 8 INTERNE, 128
# SENSITIVE, 256 SEVERAL, 519 those that hide. 90457585828179 stands for a release: `seeing.RELEASED`. A tie about data
# of some time alone is stored under its number less 1 000.
_IS_SEEN = """
    create function is_seen(
        pk bigint, cell smallint, labels smallint, person bigint, persons bigint[], parties bigint[], owner bigint,
        actors bigint[], authors bigint[], masks bigint[]
    ) returns boolean stable language plpgsql as $$
    declare
        ties constant integer := (cardinality(masks) - 4) / 6;
        sensitive constant integer := masks[6 * ties + 1];
        moment constant bigint := masks[6 * ties + 4];
        held constant bigint := 1::bigint << cell;
        hit constant bigint := case when labels & 128 = 0 then held else held | (1::bigint << sensitive) end;
        mine constant boolean := coalesce(parties && actors, false);
        authored constant boolean := coalesce(parties && authors, false);
        one bigint;
        shown boolean;
    begin
        if mine and masks[6 * ties + 3] & held <> 0 then
            return true;
        end if;
        if labels & 8 <> 0 and (owner = any(actors) or owner # 90457585828179 = any(authors)) is not true then
            return false;
        end if;
        if labels & 256 = 0 then
            persons := array[person];
        end if;
        foreach one in array coalesce(persons, array[null::bigint]) loop
            select
                bool_or(
                    (labels & 519 & ~masks[4 * ties + t.n] = 0 or authored)
                    and (mine and a.allow & masks[3 * ties + t.n] & held <> 0
                        or (labels & 128 = 0 or t.whole >> sensitive & 1 = 1)
                        and (t.whole & held <> 0
                            or labels & masks[5 * ties + t.n] <> 0 and a.allow & masks[2 * ties + t.n] & held <> 0)))
                and not bool_or(
                    (a.deny & hit <> 0 or a.oppose & hit <> 0 and not authored)
                    and (a.tie > 0 or not is_elsewhere(is_seen.pk, a.data)))
            into shown
            from access a
            cross join lateral (
                select n.n, (a.allow & masks[n.n]) | (a.named & masks[ties + n.n]) as whole
                from (
                    select case when a.tie > 0 then a.tie when is_within(is_seen.pk, a.data) then a.tie + 1000 end as n
                    offset 0) n
                offset 0) t
            where a.person = one and a.actor = any(actors) and a.since <= moment and moment < a.until;
            if shown is not true then
                return false;
            end if;
        end loop;
        return true;
    end $$"""


def upgrade() -> None:
    op.execute(_IS_SEEN)
