-- The ledger. `ledger_post` is the only way in: the runtime role may read the tables and call it, no more. It runs
-- as the owner with a fixed search path; the other functions are its parts, and nobody else may call them.
-- One call is one movement, all of it or nothing.
--
-- Rules about single rows stand in triggers rather than in CHECKs where they are long: a CHECK is parsed anew by
-- every statement (measured: a third of a posting's time), a trigger's expression is kept.

-- Balances change all the time and no index holds them: leave room to change them in place.
ALTER TABLE ledger_account SET (fillfactor = 60);

CREATE TYPE ledger_leg AS (
  kind text, source text, target text, amount_fen bigint, key text, subject text, reason text, note text, original text
);

-- A new account: its kind is what its key says, and its key is one of the ledger's.
CREATE FUNCTION ledger_account_check() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  parts text[] := string_to_array(NEW.key, ':');
  part_count integer := CASE parts[1] WHEN 'treasury' THEN 1 WHEN 'statute' THEN 1 WHEN 'pool' THEN 3 WHEN 'cap' THEN 4
    WHEN 'held' THEN 2 WHEN 'paid' THEN 2 WHEN 'capused' THEN 2 WHEN 'voucher' THEN 2 END;
BEGIN
  NEW.kind := parts[1];
  IF cardinality(parts) IS DISTINCT FROM part_count OR '' = ANY (parts)
    OR length(parts[3]) <> 4 OR translate(parts[3], '0123456789', '') <> ''
    OR translate(NEW.key, ':_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ', '') <> '' THEN
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
  IF (NEW.kind || ' ' || split_part(NEW.source, ':', 1) || ' ' || split_part(NEW.target, ':', 1)) NOT IN (
      'fund treasury pool', 'fund statute cap', 'top_up treasury pool', 'issue pool voucher',
      'hold pool held', 'hold voucher held', 'hold cap capused',
      'release held pool', 'release held voucher', 'release capused cap',
      'pay held paid', 'bounce paid held', 'recover paid pool', 'recover paid treasury', 'recover capused cap',
      'lapse pool treasury', 'lapse voucher pool', 'carry pool pool',
      'adjust treasury pool', 'adjust pool treasury', 'adjust statute cap', 'adjust cap statute')
    -- A payment stays within its claim; money is carried to a later year of its scheme.
    OR NEW.kind IN ('pay', 'bounce') AND split_part(NEW.source, ':', 2) <> split_part(NEW.target, ':', 2)
    OR NEW.kind = 'carry' AND NOT (split_part(NEW.source, ':', 2) = split_part(NEW.target, ':', 2)
                                   AND split_part(NEW.source, ':', 3) < split_part(NEW.target, ':', 3)) THEN
    RAISE EXCEPTION 'ledger: % does not move from % to %', NEW.kind, NEW.source, NEW.target USING ERRCODE = 'LG007',
      DETAIL = json_build_object('kind', NEW.kind, 'source', NEW.source, 'target', NEW.target);
  END IF;
  IF NOT starts_with(NEW.key, NEW.kind || ':')
    OR (NEW.kind IN ('bounce', 'recover')) <> (NEW.original IS NOT NULL)
    OR (NEW.kind IN ('fund', 'top_up', 'adjust') AND NEW.note = '')
    OR NEW.reason NOT IN ('', 'budget_cut', 'entry_error', 'cap_change', 'audit_finding')
    OR (NEW.kind = 'adjust') <> (NEW.reason <> '') THEN
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
  INSERT INTO ledger_account (key, kind, balance_fen)
    SELECT missing, '', 0 FROM unnest(keys) AS missing
    WHERE NOT EXISTS (SELECT FROM ledger_account WHERE key = missing) ORDER BY missing
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
  IF locked < cardinality(keys) AND locked + ledger_create(keys) < cardinality(keys) THEN
    -- Another transaction created one meanwhile.
    PERFORM FROM ledger_account WHERE key = ANY (keys) ORDER BY kind <> 'pool', key FOR NO KEY UPDATE;
  END IF;
  RETURN cardinality(keys);
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
CREATE FUNCTION ledger_still_closed(openings jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  closed jsonb := '[]';
  opening jsonb;
  cap text;
  open_fen bigint;
BEGIN
  FOR i IN 0 .. jsonb_array_length(openings) - 1 LOOP
    opening := openings -> i;
    cap := opening ->> 'target';
    SELECT amount_fen INTO open_fen FROM ledger_transfer WHERE key = opening ->> 'key';
    IF NOT FOUND THEN
      closed := CASE WHEN closed @> jsonb_build_array(opening) THEN closed ELSE closed || opening END;
    ELSIF open_fen <> (opening ->> 'amount_fen')::bigint THEN
      SELECT sum(CASE 'statute' WHEN source THEN amount_fen WHEN target THEN -amount_fen END) INTO open_fen
        FROM ledger_transfer WHERE target = cap OR source = cap;
      IF open_fen <> (opening ->> 'amount_fen')::bigint THEN
        RAISE EXCEPTION 'ledger: % stands with % fen, not %', cap, open_fen, opening ->> 'amount_fen'
          USING ERRCODE = 'LG005', DETAIL = json_build_object(
            'account', cap, 'open_fen', open_fen, 'wanted_fen', opening -> 'amount_fen');
      END IF;
    END IF;
  END LOOP;
  RETURN closed;
END $$;

-- Money of a claim and room under its cap move together, both or neither: a hold or release of money is followed at
-- once by the same for the room, of the same claim and amount, and room never moves alone. Only what is recovered may
-- leave the room used. Answers whether anything goes back.
CREATE FUNCTION ledger_check_pairs(legs ledger_leg[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  leg ledger_leg;
  money ledger_leg;  -- waits for its room
  is_room boolean;
  going_back boolean := false;
BEGIN
  FOREACH leg IN ARRAY legs || NULL::ledger_leg LOOP
    is_room := starts_with(leg.source, 'cap') AND leg.kind IN ('hold', 'release', 'recover');
    IF is_room IS TRUE AND (money.kind IS DISTINCT FROM leg.kind OR money.amount_fen <> leg.amount_fen
        OR split_part(CASE leg.kind WHEN 'hold' THEN money.target ELSE money.source END, ':', 2)
           <> split_part(CASE leg.kind WHEN 'hold' THEN leg.target ELSE leg.source END, ':', 2))
      OR is_room IS NOT TRUE AND money.kind IN ('hold', 'release') THEN
      RAISE EXCEPTION 'ledger: money and room under the cap move apart' USING ERRCODE = 'LG003',
        DETAIL = json_build_object('key', coalesce(leg.key, money.key));
    END IF;
    money := CASE WHEN NOT is_room AND leg.kind IN ('hold', 'release', 'recover') THEN leg END;
    going_back := going_back OR leg.kind IN ('release', 'bounce', 'recover', 'lapse') IS TRUE;
  END LOOP;
  RETURN going_back;
END $$;

-- What goes back is bounded by what came, this movement included. A bounce or recovery names a payment of its claim,
-- and all that name it together never exceed it. What is released goes back to the account it came from, and so does
-- room and what was reserved by a voucher, no more than came from there.
CREATE FUNCTION ledger_check_reversals(legs ledger_leg[]) RETURNS boolean LANGUAGE plpgsql AS $$
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
  RETURN true;
END $$;

-- Moves the balances of `account_count` locked accounts. Says which is short when one is.
CREATE FUNCTION ledger_move(legs ledger_leg[], account_count integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  moved_count integer;
  short record;
BEGIN
  UPDATE ledger_account AS account SET balance_fen = account.balance_fen + delta.fen
    FROM (SELECT key, sum(fen)::bigint AS fen
          FROM (SELECT source AS key, -amount_fen AS fen FROM unnest(legs)
                UNION ALL SELECT target, amount_fen FROM unnest(legs)) AS ends GROUP BY key) AS delta
    WHERE account.key = delta.key
      AND CASE WHEN account.kind IN ('treasury', 'statute') THEN account.balance_fen + delta.fen <= 0
          ELSE account.balance_fen + delta.fen >= 0 END;
  GET DIAGNOSTICS moved_count = ROW_COUNT;
  IF moved_count < account_count THEN
    SELECT account.key AS account, sum(leg.amount_fen) FILTER (WHERE leg.source = account.key) AS wanted_fen,
           account.balance_fen + coalesce(sum(leg.amount_fen) FILTER (WHERE leg.target = account.key), 0) AS available_fen
      INTO short
      FROM unnest(legs) AS leg JOIN ledger_account AS account ON account.key IN (leg.source, leg.target)
      WHERE account.kind NOT IN ('treasury', 'statute')
      GROUP BY account.key
      HAVING account.balance_fen + sum(CASE account.key WHEN leg.target THEN leg.amount_fen ELSE -leg.amount_fen END) < 0
      ORDER BY account.kind <> 'pool', account.key LIMIT 1;
    RAISE EXCEPTION 'ledger: % has % fen, % wanted', short.account, short.available_fen, short.wanted_fen
      USING ERRCODE = 'LG001', DETAIL = to_json(short);
  END IF;
  RETURN true;
END $$;

-- One movement. `asked` is an array of transfers, `openings` of yearly caps to open on first use; `who` and `moment`
-- are the caller's. Answers the movement's audit entry, when it was recorded, and whether it had been made before.
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
  legs ledger_leg[] := ARRAY(SELECT leg FROM jsonb_populate_recordset(NULL::ledger_leg, asked) AS leg);
  accounts text[] := ARRAY(SELECT source FROM unnest(legs) UNION SELECT target FROM unnest(legs));
  inserted integer;
  going_back boolean;
  done boolean;  -- assigning is cheaper than PERFORM
BEGIN
  IF cardinality(legs) NOT BETWEEN 1 AND 20000 THEN
    RAISE EXCEPTION 'ledger: a movement has 1 to 20000 transfers'
      USING ERRCODE = 'LG006', DETAIL = json_build_object('what', cardinality(legs));
  END IF;
  done := set_config('ledger.posting', 'on', true) = 'on';
  entry := nextval('audit_auditentry_id_seq');
  recorded := clock_timestamp();
  replayed := false;
  inserted := ledger_insert(legs, who, moment, entry, recorded);
  IF inserted < cardinality(legs) THEN
    entry := ledger_first_answer(legs);
    replayed := true;
    SELECT recorded_at INTO recorded FROM audit_auditentry WHERE id = entry;
    done := set_config('ledger.posting', 'off', true) = 'off';
    RETURN;
  END IF;
  going_back := ledger_check_pairs(legs);
  openings := ledger_still_closed(openings);
  IF openings <> '[]' THEN
    done := ledger_lock(accounts) > 0;  -- from here on nobody else opens these caps
    openings := ledger_still_closed(openings);
    legs := ARRAY(SELECT leg FROM jsonb_populate_recordset(NULL::ledger_leg, openings) AS leg);
    done := ledger_insert(legs, who, moment, entry, recorded) > 0;
    asked := openings || asked;
    legs := ARRAY(SELECT leg FROM jsonb_populate_recordset(NULL::ledger_leg, asked) AS leg);
    accounts := ARRAY(SELECT source FROM unnest(legs) UNION SELECT target FROM unnest(legs));
  END IF;
  INSERT INTO audit_auditentry (id, at, recorded_at, actor, action, subject, ok, detail, request_id, ip)
    VALUES (entry, moment, recorded, who, 'ledger.post', asked #>> '{-1,subject}', true,
            jsonb_build_object('transfers', asked), '', '');
  -- A claim's own accounts are nobody else's: they are made before the wait for the pool.
  inserted := ledger_create(ARRAY(SELECT own FROM unnest(accounts) AS own WHERE split_part(own, ':', 1) IN
    ('held', 'paid', 'capused', 'voucher')));
  done := ledger_move(legs, ledger_lock(accounts));
  done := NOT going_back OR ledger_check_reversals(legs);
  done := set_config('ledger.posting', 'off', true) = 'off';
END $$;

-- Against accidents: not even the owner writes here except through ledger_post. What was written stays.
CREATE FUNCTION ledger_only_by_post() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'UPDATE' OR TG_TABLE_NAME <> 'ledger_account'
      OR current_setting('ledger.posting', true) IS DISTINCT FROM 'on' THEN
    RAISE EXCEPTION 'the ledger is written by ledger_post alone: % on % refused', TG_OP, TG_TABLE_NAME
      USING ERRCODE = 'LG009';
  END IF;
  RETURN NULL;
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
CREATE TRIGGER ledger_only_by_post BEFORE UPDATE OR DELETE ON ledger_account
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_by_post();
CREATE TRIGGER ledger_transfer_check BEFORE INSERT ON ledger_transfer
  FOR EACH ROW EXECUTE FUNCTION ledger_transfer_check();
CREATE TRIGGER ledger_only_by_post BEFORE UPDATE OR DELETE ON ledger_transfer
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_by_post();
CREATE TRIGGER ledger_alone_speaks_of_money BEFORE INSERT ON audit_auditentry
  FOR EACH ROW EXECUTE FUNCTION ledger_alone_speaks_of_money();

REVOKE ALL ON FUNCTION ledger_account_check, ledger_transfer_check, ledger_create, ledger_lock, ledger_first_answer, ledger_insert, ledger_still_closed,
  ledger_check_pairs, ledger_check_reversals, ledger_move, ledger_post, ledger_only_by_post, ledger_alone_speaks_of_money
  FROM PUBLIC;
