-- What most movements and every step of a claim do, each in one call: a lock that others wait for is then held for one
-- round trip, and the statements are planned once a session.

-- Says that `wanted` is more than the locked account `short` has.
CREATE FUNCTION ledger_refuse_short(short text, wanted bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  available bigint;
BEGIN
  PERFORM ledger_create(ARRAY[short]);  -- an account that cannot be is refused for that
  SELECT balance_fen INTO available FROM ledger_account WHERE key = short;
  RAISE EXCEPTION 'ledger: % has % fen, % wanted', short, available, wanted USING ERRCODE = 'LG001',
    DETAIL = json_build_object('account', short, 'available_fen', available, 'wanted_fen', wanted);
END $$;

-- A hold of a claim under its applicant's yearly cap: the movement that `ledger_post` would make of
-- hold (pool → held, room under cap), written out for speed, since every submission makes one. `whole_cap` is the cap
-- of the call. A cap that is not open with just that amount is left to `ledger_post`.
CREATE FUNCTION ledger_hold(
  claim text, pool text, cap text, fen bigint, whole_cap bigint, cause text, who text, moment timestamptz,
  OUT entry bigint, OUT recorded timestamptz, OUT replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
  legs ledger_leg[] := ARRAY[
    ('hold', pool, 'held:' || claim, fen, 'hold:' || cause, 'claim:' || claim, '', '', NULL, cap),
    ('hold', cap, 'capused:' || claim, fen, 'hold:' || cause || ':cap', 'claim:' || claim, '', '', NULL, NULL)]::ledger_leg[];
  made integer;
BEGIN
  PERFORM FROM ledger_transfer WHERE key = 'fund:' || cap AND amount_fen = whole_cap;
  IF NOT FOUND THEN
    SELECT * INTO entry, recorded, replayed FROM ledger_post(
      jsonb_build_array(legs[1]),
      jsonb_build_array(('fund', 'statute', cap, whole_cap, 'fund:' || cap, cap, '', '年度上限', NULL, NULL)::ledger_leg),
      who, moment);
    RETURN;
  END IF;
  entry := nextval('audit_auditentry_id_seq');
  recorded := clock_timestamp();
  replayed := set_config('ledger.posting', 'on', true) <> 'on';
  -- As there, the keys are claimed first and the pool is locked last.
  INSERT INTO ledger_transfer
    (kind, source, target, amount_fen, key, subject, reason, note, original, actor, at, recorded_at, entry_id)
    VALUES ('hold', pool, 'held:' || claim, fen, 'hold:' || cause, 'claim:' || claim, '', '', NULL,
            who, moment, recorded, entry),
           ('hold', cap, 'capused:' || claim, fen, 'hold:' || cause || ':cap', 'claim:' || claim, '', '', NULL,
            who, moment, recorded, entry)
    ON CONFLICT (key) DO NOTHING;
  GET DIAGNOSTICS made = ROW_COUNT;
  IF made < 2 THEN
    entry := ledger_first_answer(legs);
    SELECT recorded_at INTO recorded FROM audit_auditentry WHERE id = entry;
    replayed := set_config('ledger.posting', 'off', true) = 'off';
    RETURN;
  END IF;
  INSERT INTO audit_auditentry (id, at, recorded_at, actor, action, subject, ok, detail, request_id, ip)
    VALUES (entry, moment, recorded, who, 'ledger.post', 'claim:' || claim, true,
            jsonb_build_object('transfers', legs), '', '');
  -- A claim's first hold makes its two accounts, with what it holds.
  INSERT INTO ledger_account (key, kind, sign, balance_fen)
    VALUES ('held:' || claim, '', 0, fen), ('capused:' || claim, '', 0, fen) ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS made = ROW_COUNT;
  UPDATE ledger_account SET balance_fen = balance_fen - fen WHERE key = pool AND balance_fen >= fen;
  IF NOT FOUND THEN
    PERFORM ledger_refuse_short(pool, fen);
  END IF;
  UPDATE ledger_account SET balance_fen = balance_fen - fen WHERE key = cap AND balance_fen >= fen;
  IF NOT FOUND THEN
    PERFORM ledger_refuse_short(cap, fen);
  END IF;
  IF made = 0 THEN  -- in the order of keys, like every lock here
    UPDATE ledger_account SET balance_fen = balance_fen + fen WHERE key = 'capused:' || claim;
    UPDATE ledger_account SET balance_fen = balance_fen + fen WHERE key = 'held:' || claim;
  ELSIF made = 1 THEN
    RAISE EXCEPTION 'ledger: claim % has money without room, or room without money', claim
      USING ERRCODE = 'LG003', DETAIL = json_build_object('key', 'hold:' || cause);
  END IF;
  replayed := set_config('ledger.posting', 'off', true) <> 'off';
END $$;

-- Adds `fens` to the balances of the accounts `ends`, which are `account_count` locked ones. Says which is short when
-- one is: the pool before all others, by what it had before this movement.
CREATE OR REPLACE FUNCTION ledger_move(legs ledger_leg[], ends text[], fens bigint[], account_count integer)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  moved text[];
  short record;
BEGIN
  WITH now_moved AS (
    UPDATE ledger_account AS account SET balance_fen = account.balance_fen + delta.fen
      FROM (SELECT key, sum(fen)::bigint AS fen FROM unnest(ends, fens) AS ends_fens (key, fen) GROUP BY key) AS delta
      WHERE account.key = delta.key AND (account.balance_fen + delta.fen) * account.sign >= 0
      RETURNING account.key)
  SELECT array_agg(key) INTO moved FROM now_moved;
  IF coalesce(cardinality(moved), 0) < account_count THEN
    -- Those that did not move have the balance they had.
    SELECT account.key AS account, sum(leg.amount_fen) FILTER (WHERE leg.source = account.key) AS wanted_fen,
           account.balance_fen + coalesce(sum(leg.amount_fen) FILTER (WHERE leg.target = account.key), 0) AS available_fen
      INTO short
      FROM unnest(legs) AS leg JOIN ledger_account AS account ON account.key IN (leg.source, leg.target)
      WHERE account.key <> ALL (coalesce(moved, '{}'))
      GROUP BY account.key
      ORDER BY account.kind <> 'pool', account.key LIMIT 1;
    RAISE EXCEPTION 'ledger: % has % fen, % wanted', short.account, short.available_fen, short.wanted_fen
      USING ERRCODE = 'LG001', DETAIL = to_json(short);
  END IF;
  RETURN true;
END $$;

-- Every entry of the audit trail pays for each setting of the function that links it. Plans are generic after five
-- calls anyway; the index is asked for still, since the head's one row may have many dead versions before it.
ALTER FUNCTION audit_link RESET plan_cache_mode;

-- Binds invoices and the red letters against them, and makes allocations live; answers what live claims, this one
-- included, say was paid on each invoice. The rows are locked one by one in the order given, so that two claims never
-- wait for each other in a ring. A refusal names the row in its detail.
CREATE FUNCTION vouchers_bind(invoices bigint[], payments bigint[], allocations bigint[], moment timestamptz)
RETURNS bigint[] LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  one bigint;
  violated text;
BEGIN
  FOREACH one IN ARRAY invoices LOOP
    -- Written even where it seems bound: another claim of the firm may be letting go of it this very moment.
    UPDATE vouchers_invoice SET bound_at = coalesce(bound_at, moment) WHERE id = one;
  END LOOP;
  FOREACH one IN ARRAY payments LOOP
    PERFORM FROM vouchers_paymentmade WHERE id = one FOR UPDATE;
  END LOOP;
  FOREACH one IN ARRAY allocations LOOP
    UPDATE vouchers_allocation SET live = true WHERE id = one;
  END LOOP;
  RETURN ARRAY(SELECT allocated_fen FROM vouchers_invoice WHERE id = ANY (invoices)
               ORDER BY array_position(invoices, id));
EXCEPTION WHEN unique_violation OR check_violation THEN
  GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
  RAISE EXCEPTION '% refused by %', one, violated
    USING ERRCODE = SQLSTATE, CONSTRAINT = violated, DETAIL = one::text;
END $$;

-- Everything that one step of a claim writes: the state by compare-and-set, the event, the decision with the money it
-- holds, the audit entry and the message. NULL leaves a column of the claim as it is. It runs with its caller's rights,
-- so every wall stands; the step is judged in Python before, and by the triggers.
--
-- A step that takes its turn locks the year's filing queue first, for the rest of the transaction, and gets its number:
-- number, place in the waiting list and money come in one order. Its decision was made before, on what the books said
-- then. Where they now say otherwise nothing is written and `again` is true: decide again, under the lock.
--
-- Answers no event when somebody else moved the claim in the meantime.
CREATE FUNCTION vouchers_take_step(
  -- the event
  claim bigint, verb text, source text, target text, next_version integer, role text, actor bigint, duty text,
  reason text, moment timestamptz, actor_text text,
  -- whose claim it is, and under which call
  claim_number text, firm bigint, call bigint, scheme_code text, year integer, shortage text, annual_cap bigint,
  -- what the claim gets; `hold_fen` more is held
  new_computed bigint, new_granted bigint, new_waiting boolean, new_submitted timestamptz, new_due date,
  new_until date, law text, case_facts jsonb, binds text, hold_fen bigint,
  -- the turn, and the balances that the decision rests on
  takes_turn boolean, seen_pool bigint, seen_room bigint,
  -- the message, where there is one, and what it says if the claim waits for money
  subject_line text, body_text text, waiting_text text, address_line text,
  OUT event bigint, OUT queue_place bigint, OUT waits boolean, OUT again boolean)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  pool text := concat_ws(':', 'pool', scheme_code, year);
  cap text := concat_ws(':', 'cap', scheme_code, year, firm);
  pool_fen bigint;
  room_fen bigint;
  granted bigint;
BEGIN
  again := false;
  waits := new_waiting;
  IF takes_turn THEN
    SELECT last_number + 1 INTO queue_place FROM vouchers_filingqueue
      WHERE scheme = scheme_code AND fiscal_year = year FOR NO KEY UPDATE;
    IF NOT FOUND THEN
      INSERT INTO vouchers_filingqueue (scheme, fiscal_year, last_number) VALUES (scheme_code, year, 0)
        ON CONFLICT DO NOTHING;
      SELECT last_number + 1 INTO queue_place FROM vouchers_filingqueue
        WHERE scheme = scheme_code AND fiscal_year = year FOR NO KEY UPDATE;
    END IF;
    SELECT balance_fen INTO pool_fen FROM ledger_account WHERE key = pool;
    SELECT balance_fen INTO room_fen FROM ledger_account WHERE key = cap;
    IF room_fen IS DISTINCT FROM seen_room OR (shortage <> 'waitlist' AND pool_fen IS DISTINCT FROM seen_pool) THEN
      again := true;
      RETURN;
    END IF;
    UPDATE vouchers_filingqueue SET last_number = queue_place WHERE scheme = scheme_code AND fiscal_year = year;
    -- Nobody passes a claim that waits.
    waits := shortage = 'waitlist' AND (
      coalesce(pool_fen, 0) < new_granted
      OR EXISTS (SELECT FROM vouchers_claim AS other JOIN vouchers_call AS theirs ON theirs.id = other.call_id
                 WHERE other.waiting AND other.id <> claim
                   AND theirs.scheme = scheme_code AND theirs.fiscal_year = year));
  END IF;

  UPDATE vouchers_claim SET
      state = target, version = next_version,
      computed_fen = coalesce(new_computed, computed_fen), granted_fen = coalesce(new_granted, granted_fen),
      queue_number = coalesce(queue_place, queue_number), waiting = coalesce(waits, waiting),
      submitted_at = coalesce(new_submitted, submitted_at), correction_due = coalesce(new_due, correction_due),
      publicised_until = coalesce(new_until, publicised_until)
    WHERE id = claim AND state = source AND version = next_version - 1
    RETURNING granted_fen, waiting INTO granted, waits;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  INSERT INTO vouchers_claimevent (claim_id, version, verb, source, target, role, actor_id, duty, reason, at)
    VALUES (claim, next_version, verb, source, target, role, actor, duty, reason, moment) RETURNING id INTO event;

  IF case_facts IS NOT NULL THEN
    INSERT INTO vouchers_decision (event_id, claim_id, law_id, call_id, result, computed_fen, granted_fen, binding, made_at)
      VALUES (event, claim, law, call, case_facts, new_computed, new_granted, binds, moment);
  END IF;
  IF hold_fen > 0 AND NOT waits THEN
    PERFORM ledger_hold(claim::text, pool, cap, hold_fen, annual_cap, 'event:' || event, actor_text, moment);
  END IF;

  INSERT INTO audit_auditentry (at, actor, action, subject, ok, detail, request_id, ip)
    VALUES (moment, actor_text, 'claim.' || verb, 'claim:' || claim, true, jsonb_build_object(
      'number', claim_number, 'from', source, 'to', target, 'version', next_version, 'role', role,
      'reason', reason, 'granted_fen', granted), '', '');
  IF subject_line IS NOT NULL THEN
    -- In the portal at once; by e-mail when the firm gave an address.
    INSERT INTO vouchers_message (organisation_id, channel, address, subject, body, state, attempts, created_at, sent_at)
      SELECT firm, channel, address, subject_line, CASE WHEN waits THEN waiting_text ELSE body_text END,
             CASE channel WHEN 'portal' THEN 'sent' ELSE 'waiting' END, 0, moment,
             CASE channel WHEN 'portal' THEN moment END
      FROM (VALUES ('portal', ''), ('email', address_line)) AS ways (channel, address)
      WHERE channel = 'portal' OR address <> '';
  END IF;
END $$;

REVOKE ALL ON FUNCTION ledger_refuse_short, ledger_hold, ledger_move, vouchers_bind, vouchers_take_step FROM PUBLIC;
