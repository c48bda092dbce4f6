-- The ledger. `ledger_post` is the only way in: the runtime role may read the tables and call it, no more. It runs
-- as the owner with a fixed search path; the other functions are its parts, and nobody else may call them.
-- One call is one movement, all of it or nothing.
--
-- It is written for speed where that costs no clarity. Rules about single rows stand in triggers rather than in long
-- CHECKs, which every statement parses anew (measured: a third of a posting's time). Statements are few, because each
-- has its price even when it finds nothing.

-- Balances change all the time and no index holds them: leave room to change them in place, and few dead versions to
-- walk past. Keys are compared byte by byte, so Django's second index for LIKE is the first one over again.
ALTER TABLE ledger_account SET (fillfactor = 30);
DO $$
BEGIN
  EXECUTE (SELECT 'DROP INDEX ' || indexname FROM pg_indexes WHERE tablename = 'ledger_account' AND indexname LIKE '%_like');
END $$;

-- A transfer as it is asked for. `room`, for a hold, release or recovery of money, is the yearly cap under which the
-- same room is taken or given back in the same movement.
CREATE TYPE ledger_leg AS (
  kind text, source text, target text, amount_fen bigint, key text, subject text, reason text, note text, original text,
  room text
);

-- A new account: its key is one of the ledger's, and says its kind and sign.
CREATE FUNCTION ledger_account_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.kind := split_part(NEW.key, ':', 1);
  NEW.sign := CASE WHEN NEW.kind IN ('treasury', 'statute') THEN -1 ELSE 1 END;
  IF NEW.key !~ '^(?:treasury|statute|pool:[a-z0-9_]+:[0-9]{4}|cap:[a-z0-9_]+:[0-9]{4}:[0-9A-Za-z-]+|(?:held|paid|capused|voucher):[0-9A-Za-z-]+)$' THEN
    RAISE EXCEPTION 'ledger: there is no account %', NEW.key
      USING ERRCODE = 'LG006', DETAIL = json_build_object('what', NEW.key);
  END IF;
  IF current_setting('ledger.posting', true) IS DISTINCT FROM 'on' THEN
    RAISE EXCEPTION 'the ledger is written by ledger_post alone' USING ERRCODE = 'LG009';
  END IF;
  RETURN NEW;
END $$;

-- A new transfer: which kind may move between which kinds of accounts (vouchers/ledger/kinds.py has the same table),
-- and what it must say.
CREATE FUNCTION ledger_transfer_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF strpos(
      '|fund treasury pool|fund statute cap|top_up treasury pool|issue pool voucher|hold pool held|hold voucher held'
      '|hold cap capused|release held pool|release held voucher|release capused cap|pay held paid|bounce paid held'
      '|recover paid pool|recover paid treasury|recover capused cap|lapse pool treasury|lapse voucher pool'
      '|carry pool pool|adjust treasury pool|adjust pool treasury|adjust statute cap|adjust cap statute|',
      concat('|', NEW.kind, ' ', split_part(NEW.source, ':', 1), ' ', split_part(NEW.target, ':', 1), '|')) = 0
    -- A payment stays within its claim; money is carried to a later year of its scheme.
    OR NEW.kind IN ('pay', 'bounce') AND split_part(NEW.source, ':', 2) <> split_part(NEW.target, ':', 2)
    OR NEW.kind = 'carry' AND NOT (split_part(NEW.source, ':', 2) = split_part(NEW.target, ':', 2)
                                   AND split_part(NEW.source, ':', 3) < split_part(NEW.target, ':', 3)) THEN
    RAISE EXCEPTION 'ledger: % does not move from % to %', NEW.kind, NEW.source, NEW.target USING ERRCODE = 'LG007',
      DETAIL = json_build_object('kind', NEW.kind, 'source', NEW.source, 'target', NEW.target);
  END IF;
  IF NOT starts_with(NEW.key, NEW.kind || ':')
    OR NEW.amount_fen > 999999999999999
    OR (NEW.kind IN ('bounce', 'recover')) <> (NEW.original IS NOT NULL)
    OR (NEW.kind IN ('fund', 'top_up', 'adjust') AND NEW.note = '')
    OR (NEW.kind = 'adjust') <> (NEW.reason <> '')
    OR NEW.reason NOT IN ('', 'budget_cut', 'entry_error', 'cap_change', 'audit_finding') THEN
    RAISE EXCEPTION 'ledger: transfer % lacks its key, original, reason or citation', NEW.key
      USING ERRCODE = 'LG006', DETAIL = json_build_object('what', NEW.key);
  END IF;
  IF current_setting('ledger.posting', true) IS DISTINCT FROM 'on' THEN
    RAISE EXCEPTION 'the ledger is written by ledger_post alone' USING ERRCODE = 'LG009';
  END IF;
  RETURN NEW;
END $$;

-- Creates those of the accounts `keys` that are missing; how many it created.
CREATE FUNCTION ledger_create(keys text[]) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  created integer;
BEGIN
  INSERT INTO ledger_account (key, kind, sign, balance_fen) SELECT key, '', 0, 0 FROM unnest(keys) AS key
    ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS created = ROW_COUNT;
  RETURN created;
END $$;

-- Locks the accounts `keys`, creating those that are missing; how many they are. Pools come first, then the order of
-- keys, so that whoever waits for a pool holds nothing that the pool's holder could want next.
CREATE FUNCTION ledger_lock(keys text[]) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  locked integer;
BEGIN
  PERFORM FROM ledger_account WHERE key = ANY (keys) ORDER BY kind <> 'pool', key FOR NO KEY UPDATE;
  GET DIAGNOSTICS locked = ROW_COUNT;
  IF locked < cardinality(keys) THEN
    PERFORM ledger_create(ARRAY(SELECT DISTINCT key FROM unnest(keys) AS key ORDER BY key));
    -- Again, for an account that another transaction created meanwhile.
    PERFORM FROM ledger_account WHERE key = ANY (keys) ORDER BY kind <> 'pool', key FOR NO KEY UPDATE;
    GET DIAGNOSTICS locked = ROW_COUNT;
  END IF;
  RETURN locked;
END $$;

-- The audit entry of the movement that these legs already made; some of their keys are known. The same keys must say
-- the same, all in one movement: kind, accounts, amount, subject, reason, note and original. Who repeats it, and when,
-- is not asked; nor are the caps it opened by the way.
CREATE FUNCTION ledger_first_answer(legs ledger_leg[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  keys text[] := ARRAY(SELECT key FROM unnest(legs));
  entry bigint;
  clash text;
BEGIN
  SELECT min(entry_id) INTO entry FROM ledger_transfer WHERE key = ANY (keys);
  SELECT coalesce(leg.key, said.key) INTO clash
    FROM unnest(legs) AS leg
    FULL JOIN (SELECT old.* FROM audit_auditentry, jsonb_populate_recordset(NULL::ledger_leg, detail -> 'transfers') AS old
               WHERE id = entry AND NOT (old.source = 'statute' AND old.kind = 'fund' AND old.key <> ALL (keys))
              ) AS said ON said.key = leg.key
    WHERE leg IS DISTINCT FROM said
    ORDER BY said.key IS NULL, leg.key IS NULL
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'ledger: key % is already used for something else', clash
      USING ERRCODE = 'LG002', DETAIL = json_build_object('key', clash);
  END IF;
  RETURN entry;
END $$;

-- Inserts the transfers of `legs` whose keys are new; how many they were. Inserting claims the keys: whoever posts the
-- same key at the same time waits here for the first to commit, and then finds it taken.
CREATE FUNCTION ledger_insert(legs ledger_leg[], who text, moment timestamptz, entry bigint, recorded timestamptz)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  inserted integer;
BEGIN
  INSERT INTO ledger_transfer
    (kind, source, target, amount_fen, key, subject, reason, note, original, actor, at, recorded_at, entry_id)
    SELECT kind, source, target, amount_fen, key, subject, reason, note, original, who, moment, recorded, entry
    FROM unnest(legs)
    ON CONFLICT (key) DO NOTHING;
  GET DIAGNOSTICS inserted = ROW_COUNT;
  RETURN inserted;
END $$;

-- Of these openings of yearly caps, those still to be made. A cap that the books have with another amount than the
-- caller reckons with is refused: the difference must be adjusted first, with a reason.
CREATE FUNCTION ledger_still_closed(openings jsonb) RETURNS ledger_leg[] LANGUAGE plpgsql AS $$
DECLARE
  opening ledger_leg;
  closed ledger_leg[] := '{}';
  open_fen bigint;
BEGIN
  FOR opening IN SELECT DISTINCT * FROM jsonb_populate_recordset(NULL::ledger_leg, openings) LOOP
    SELECT sum(CASE 'statute' WHEN source THEN amount_fen WHEN target THEN -amount_fen END) INTO open_fen
      FROM ledger_transfer WHERE target = opening.target OR source = opening.target;
    IF open_fen IS NULL THEN
      closed := closed || opening;
    ELSIF open_fen <> opening.amount_fen THEN
      RAISE EXCEPTION 'ledger: % stands with % fen, not %', opening.target, open_fen, opening.amount_fen
        USING ERRCODE = 'LG005', DETAIL = json_build_object(
          'account', opening.target, 'open_fen', open_fen, 'wanted_fen', opening.amount_fen);
    END IF;
  END LOOP;
  RETURN closed;
END $$;

-- What goes back is bounded by what came, this movement included. A bounce or recovery names a payment of its claim,
-- and all that name it together never exceed it. What is released goes back to the account it came from, and so does
-- room and what was reserved by a voucher, no more than came from there.
CREATE FUNCTION ledger_check_reversals(legs ledger_leg[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  excess record;
BEGIN
  SELECT leg.source AS account, leg.original, leg.amount_fen AS wanted_fen,
         coalesce(payment.amount_fen, 0) - back.fen + leg.amount_fen AS left_fen INTO excess
    FROM unnest(legs) AS leg
    LEFT JOIN ledger_transfer AS payment ON payment.key = leg.original AND payment.kind = 'pay'
      AND split_part(payment.target, ':', 2) = split_part(leg.source, ':', 2),
    LATERAL (SELECT sum(amount_fen) AS fen FROM ledger_transfer
             WHERE original = leg.original AND source = leg.source) AS back
    WHERE leg.original IS NOT NULL AND back.fen > coalesce(payment.amount_fen, 0)
    LIMIT 1;
  IF NOT FOUND THEN
    -- The inner queries find a claim's few transfers first (OFFSET 0 keeps them so), never a pool's many.
    SELECT leg.source AS account, leg.target AS original, leg.amount_fen AS wanted_fen,
           came.fen - went.fen + leg.amount_fen AS left_fen INTO excess
      FROM unnest(legs) AS leg,
      LATERAL (SELECT coalesce(sum(amount_fen), 0) AS fen
               FROM (SELECT * FROM ledger_transfer WHERE target = leg.source OFFSET 0) AS t WHERE t.source = leg.target) AS came,
      LATERAL (SELECT coalesce(sum(amount_fen), 0) AS fen
               FROM (SELECT * FROM ledger_transfer WHERE source = leg.source OFFSET 0) AS t WHERE t.target = leg.target) AS went
      WHERE (leg.kind = 'release' OR leg.kind = 'lapse' AND starts_with(leg.source, 'voucher:')
             OR starts_with(leg.source, 'capused:'))
        AND went.fen > came.fen
      LIMIT 1;
  END IF;
  IF FOUND THEN
    RAISE EXCEPTION 'ledger: only % fen can go back from % (%), not %', excess.left_fen, excess.account, excess.original,
      excess.wanted_fen USING ERRCODE = 'LG004', DETAIL = to_json(excess);
  END IF;
END $$;

-- Adds `fens` to the balances of the accounts `ends`, which are `account_count` locked ones. Says which is short when
-- one is.
CREATE FUNCTION ledger_move(legs ledger_leg[], ends text[], fens bigint[], account_count integer) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  moved_count integer;
  short record;
BEGIN
  UPDATE ledger_account AS account SET balance_fen = account.balance_fen + delta.fen
    FROM (SELECT key, sum(fen)::bigint AS fen FROM unnest(ends, fens) AS ends_fens (key, fen) GROUP BY key) AS delta
    WHERE account.key = delta.key AND (account.balance_fen + delta.fen) * account.sign >= 0;
  GET DIAGNOSTICS moved_count = ROW_COUNT;
  IF moved_count < account_count THEN
    SELECT account.key AS account, sum(leg.amount_fen) FILTER (WHERE leg.source = account.key) AS wanted_fen,
           account.balance_fen + coalesce(sum(leg.amount_fen) FILTER (WHERE leg.target = account.key), 0) AS available_fen
      INTO short
      FROM unnest(legs) AS leg JOIN ledger_account AS account ON account.key IN (leg.source, leg.target)
      GROUP BY account.key
      HAVING (account.balance_fen + sum(CASE account.key WHEN leg.target THEN leg.amount_fen ELSE -leg.amount_fen END))
             * account.sign < 0
      ORDER BY account.kind <> 'pool', account.key LIMIT 1;
    RAISE EXCEPTION 'ledger: % has % fen, % wanted', short.account, short.available_fen, short.wanted_fen
      USING ERRCODE = 'LG001', DETAIL = to_json(short);
  END IF;
  RETURN true;
END $$;

-- One movement. `asked` is an array of transfers, `openings` of yearly caps to open on first use; `who` and `moment`
-- are the caller's. Answers the movement's audit entry, when it was recorded, and whether it had been made before.
--
-- Money of a claim and room under its cap move together, both or neither: who asks for the money names the cap, and
-- the transfer of room is made here. Only what is recovered may leave the room used.
--
-- The keys are claimed first, before any balance is looked at, so a repetition gets its first answer even when the
-- money is spent. The balances come last, so the pool is locked only from there to the commit.
CREATE FUNCTION ledger_post(
  asked jsonb, openings jsonb, who text, moment timestamptz,
  OUT entry bigint, OUT recorded timestamptz, OUT replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
-- Plans are made once and use the indexes, however small the tables were when the session began.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off AS $$
DECLARE
  legs ledger_leg[];
  opened ledger_leg[];
  apart text;
  going_back boolean;
  ends text[];  -- all accounts that give, then all that get
  fens bigint[];
  own_accounts text[];  -- those of claims and vouchers that get
  inserted integer;
BEGIN
  SELECT array_agg(leg), array_agg((leg).source) || array_agg((leg).target),
         array_agg(-(leg).amount_fen) || array_agg((leg).amount_fen),
         array_agg((leg).target) FILTER (WHERE split_part((leg).target, ':', 1) IN ('held', 'paid', 'capused', 'voucher')),
         bool_or((leg).kind IN ('release', 'bounce', 'recover', 'lapse')), min((leg).key) FILTER (WHERE alone)
    INTO legs, ends, fens, own_accounts, going_back, apart
    FROM (SELECT money AS leg,
                 money.kind IN ('hold', 'release') AND money.room IS NULL
                 OR money.kind IN ('hold', 'release', 'recover')
                 AND (starts_with(money.source, 'cap') OR starts_with(money.target, 'cap')) AS alone
          FROM jsonb_populate_recordset(NULL::ledger_leg, asked) AS money
          UNION ALL
          SELECT (kind, CASE kind WHEN 'hold' THEN room ELSE 'capused:' || split_part(source, ':', 2) END,
                  CASE kind WHEN 'hold' THEN 'capused:' || split_part(target, ':', 2) ELSE room END,
                  amount_fen, key || ':cap', subject, reason, note, original, NULL)::ledger_leg, false
          FROM jsonb_populate_recordset(NULL::ledger_leg, asked) WHERE room IS NOT NULL) AS all_legs;
  IF (cardinality(legs) BETWEEN 1 AND 20000) IS NOT TRUE THEN
    RAISE EXCEPTION 'ledger: a movement has 1 to 20000 transfers'
      USING ERRCODE = 'LG006', DETAIL = json_build_object('what', cardinality(legs));
  ELSIF apart IS NOT NULL THEN
    RAISE EXCEPTION 'ledger: % moves money without room under the cap, or room without money', apart
      USING ERRCODE = 'LG003', DETAIL = json_build_object('key', apart);
  END IF;
  entry := nextval('audit_auditentry_id_seq');
  recorded := clock_timestamp();
  replayed := set_config('ledger.posting', 'on', true) <> 'on';
  inserted := ledger_insert(legs, who, moment, entry, recorded);
  IF inserted < cardinality(legs) THEN
    entry := ledger_first_answer(legs);
    SELECT recorded_at INTO recorded FROM audit_auditentry WHERE id = entry;
    replayed := set_config('ledger.posting', 'off', true) = 'off';
    RETURN;
  END IF;
  IF openings <> '[]' AND EXISTS (
      SELECT FROM jsonb_array_elements(openings) AS opening LEFT JOIN ledger_transfer ON key = opening ->> 'key'
      WHERE amount_fen IS DISTINCT FROM (opening ->> 'amount_fen')::bigint) THEN
    PERFORM ledger_lock(ends);  -- from here on nobody else opens these caps
    opened := ledger_still_closed(openings);
    PERFORM ledger_insert(opened, who, moment, entry, recorded);
    legs := opened || legs;
    ends := ends || ARRAY(SELECT source FROM unnest(opened)) || ARRAY(SELECT target FROM unnest(opened));
    fens := fens || ARRAY(SELECT -amount_fen FROM unnest(opened)) || ARRAY(SELECT amount_fen FROM unnest(opened));
  END IF;
  INSERT INTO audit_auditentry (id, at, recorded_at, actor, action, subject, ok, detail, request_id, ip)
    VALUES (entry, moment, recorded, who, 'ledger.post', legs[cardinality(legs)].subject, true,
            jsonb_build_object('transfers', legs), '', '');
  -- A claim's own accounts are nobody else's: they are made before the wait for the pool.
  inserted := ledger_create(own_accounts);
  replayed := NOT ledger_move(legs, ends, fens, ledger_lock(ends));
  IF going_back THEN
    PERFORM ledger_check_reversals(legs);
  END IF;
  replayed := set_config('ledger.posting', 'off', true) <> 'off';
END $$;

-- Against accidents: not even the owner writes here except through ledger_post. What was written stays.
CREATE FUNCTION ledger_only_by_post() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('ledger.posting', true) = 'on' THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'the ledger is written by ledger_post alone' USING ERRCODE = 'LG009';
END $$;

CREATE FUNCTION ledger_never() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger never forgets: % on % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'LG009';
END $$;

-- The audit trail says `ledger.…` only of what happened: who may not write the ledger may not claim to have done so.
CREATE FUNCTION ledger_alone_speaks_of_money() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF starts_with(NEW.action, 'ledger.') AND NOT has_table_privilege('public.ledger_transfer', 'INSERT') THEN
    RAISE EXCEPTION 'only the ledger itself records %', NEW.action USING ERRCODE = 'LG009';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER ledger_account_check BEFORE INSERT ON ledger_account
  FOR EACH ROW EXECUTE FUNCTION ledger_account_check();
CREATE TRIGGER ledger_only_by_post BEFORE UPDATE ON ledger_account
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_by_post();
CREATE TRIGGER ledger_never BEFORE DELETE ON ledger_account FOR EACH STATEMENT EXECUTE FUNCTION ledger_never();
CREATE TRIGGER ledger_transfer_check BEFORE INSERT ON ledger_transfer
  FOR EACH ROW EXECUTE FUNCTION ledger_transfer_check();
CREATE TRIGGER ledger_never BEFORE UPDATE OR DELETE ON ledger_transfer
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_never();
CREATE TRIGGER ledger_alone_speaks_of_money BEFORE INSERT ON audit_auditentry
  FOR EACH ROW EXECUTE FUNCTION ledger_alone_speaks_of_money();

REVOKE ALL ON FUNCTION ledger_account_check, ledger_transfer_check, ledger_create, ledger_lock, ledger_first_answer, ledger_insert, ledger_still_closed,
  ledger_check_reversals, ledger_move, ledger_post, ledger_only_by_post, ledger_never,
  ledger_alone_speaks_of_money
  FROM PUBLIC;
