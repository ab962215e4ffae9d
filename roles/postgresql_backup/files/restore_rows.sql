-- Copyright: Contributors to the stagecraft.release project
-- GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tables of the session hold what the dump has. Rows of the same name's table in public become the same: those that stay are updated and not replaced,
-- so that nothing which refers to them goes.
CREATE TEMPORARY TABLE stagecraft_counts (line text) ON COMMIT DROP;
DO $restore$
DECLARE
  tables text[] := pg_catalog.string_to_array(pg_catalog.current_setting('stagecraft.tables'), ',');
  filtered text := pg_catalog.current_setting('stagecraft.column');
  wanted text := pg_catalog.current_setting('stagecraft.value');
  last int := pg_catalog.array_length(tables, 1);
  removals text[];
  writings text[];
  removal text;
  conflict text;
  writing text;
  affected bigint;
BEGIN
  FOR number IN 1..last LOOP
    SELECT pg_catalog.format('DELETE FROM public.%1$I AS old WHERE old.%2$I::text = $1 AND NOT EXISTS (SELECT FROM pg_temp.%1$I AS new WHERE %3$s)',
                             tables[number], filtered, pg_catalog.string_agg(pg_catalog.format('new.%1$I = old.%1$I', attname), ' AND ')),
           pg_catalog.format(' ON CONFLICT (%s)', pg_catalog.string_agg(pg_catalog.quote_ident(attname), ', '))
      INTO removal, conflict
      FROM pg_catalog.pg_index JOIN pg_catalog.pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
      WHERE indrelid = pg_catalog.format('public.%I', tables[number])::pg_catalog.regclass AND indisprimary;
    IF conflict LIKE '%()' THEN
      RAISE EXCEPTION 'table % has no primary key, so its rows cannot be told apart', tables[number];
    END IF;
    SELECT pg_catalog.format('INSERT INTO public.%1$I (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM pg_temp.%1$I AS new WHERE new.%3$I::text = $1',
                             tables[number], pg_catalog.string_agg(pg_catalog.quote_ident(attname), ', '), filtered)
           || conflict
           || pg_catalog.format(' DO UPDATE SET %s', pg_catalog.string_agg(pg_catalog.format('%1$I = excluded.%1$I', attname), ', '))
      INTO writing
      FROM pg_catalog.pg_attribute
      WHERE attrelid = pg_catalog.format('public.%I', tables[number])::pg_catalog.regclass
        AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    removals[number] := removal;
    writings[number] := writing;
  END LOOP;
  -- What refers to others goes before these are written; what others may still refer to goes last.
  FOR number IN REVERSE last..2 LOOP
    EXECUTE removals[number] USING wanted;
  END LOOP;
  FOR number IN 1..last LOOP
    EXECUTE writings[number] USING wanted;
    GET DIAGNOSTICS affected = ROW_COUNT;
    INSERT INTO pg_temp.stagecraft_counts VALUES (pg_catalog.format('restored %s rows of %s', affected, tables[number]));
  END LOOP;
  EXECUTE removals[1] USING wanted;
END
$restore$;
SELECT line FROM pg_temp.stagecraft_counts;
