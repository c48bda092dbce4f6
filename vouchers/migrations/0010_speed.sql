-- What makes a step quick (benchmarks/submission.py, post.py, approvals.py). Nothing that was refused before is allowed.

-- The steps of a claim, with the duty that each exercises: vouchers/workflow.py as a table. Before, a CHECK knew it,
-- and every statement that wrote an event parsed its forty texts anew (a fifth of the time of a step).
CREATE TABLE vouchers_step (
  verb text NOT NULL, source text NOT NULL, target text NOT NULL, role text NOT NULL, duty text NOT NULL,
  PRIMARY KEY (verb, source, target, role));
INSERT INTO vouchers_step (verb, source, target, role, duty) VALUES
  ('submit', 'draft', 'submitted', 'applicant', ''),
  ('discard', 'draft', 'discarded', 'applicant', ''),
  ('accept', 'submitted', 'accepted', 'reviewer', ''),
  ('return', 'submitted', 'returned', 'reviewer', ''),
  ('return', 'accepted', 'returned', 'reviewer', ''),
  ('resubmit', 'returned', 'submitted', 'applicant', ''),
  ('lapse', 'returned', 'lapsed', 'system', ''),
  ('withdraw', 'submitted', 'withdrawn', 'applicant', ''),
  ('withdraw', 'returned', 'withdrawn', 'applicant', ''),
  ('withdraw', 'accepted', 'withdrawn', 'applicant', ''),
  ('cut', 'accepted', 'accepted', 'reviewer', 'review'),
  ('review', 'accepted', 'reviewed', 'reviewer', 'review'),
  ('approve', 'reviewed', 'approved', 'approver', 'approve'),
  ('approve', 'reviewed', 'approved_once', 'approver', 'approve'),
  ('approve', 'approved_once', 'approved', 'approver', 'second_approve'),
  ('send_back', 'reviewed', 'accepted', 'approver', ''),
  ('send_back', 'approved_once', 'accepted', 'approver', ''),
  ('reject', 'submitted', 'rejected', 'reviewer', ''),
  ('reject', 'accepted', 'rejected', 'reviewer', ''),
  ('reject', 'reviewed', 'rejected', 'approver', ''),
  ('reject', 'approved_once', 'rejected', 'approver', ''),
  ('reject', 'suspended', 'rejected', 'approver', ''),
  ('appeal', 'rejected', 'accepted', 'applicant', ''),
  ('publicise', 'approved', 'publicised', 'reviewer', ''),
  ('publicise', 'approved', 'publicised', 'approver', ''),
  ('clear', 'publicised', 'payable', 'system', ''),
  ('suspend', 'publicised', 'suspended', 'reviewer', ''),
  ('suspend', 'publicised', 'suspended', 'approver', ''),
  ('suspend', 'payable', 'suspended', 'reviewer', ''),
  ('suspend', 'payable', 'suspended', 'approver', ''),
  ('dismiss', 'suspended', 'publicised', 'approver', ''),
  ('dismiss', 'suspended', 'payable', 'approver', ''),
  ('reassess', 'suspended', 'accepted', 'approver', ''),
  ('batch', 'payable', 'batched', 'finance', 'finance_prepare'),
  ('unbatch', 'batched', 'payable', 'finance', ''),
  ('pay', 'batched', 'paid', 'finance', ''),
  ('bounce', 'batched', 'payable', 'finance', ''),
  ('bounce', 'paid', 'payable', 'finance', ''),
  ('recover', 'paid', 'paid', 'finance', ''),
  ('recover', 'paid', 'recovered', 'finance', '');
ALTER TABLE vouchers_claimevent DROP CONSTRAINT claim_event_is_a_step;

-- An event of a claim, at COMMIT: its claim has come as far; it starts where the event before it ended; it is a step
-- of the table and exercises its duty; and its actor held the role that day. All of it in one look.
CREATE FUNCTION vouchers_claim_event_lawful() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  day date := (NEW.at AT TIME ZONE 'Asia/Shanghai')::date;
  known record;
BEGIN
  SELECT claim.version AS version,
         NEW.source = CASE NEW.version WHEN 1 THEN 'draft' ELSE (
           SELECT target FROM vouchers_claimevent WHERE claim_id = NEW.claim_id AND version = NEW.version - 1) END AS goes_on,
         (SELECT duty FROM vouchers_step
          WHERE verb = NEW.verb AND source = NEW.source AND target = NEW.target AND role = NEW.role) AS duty,
         CASE NEW.role
           WHEN 'system' THEN NEW.actor_id IS NULL
           WHEN 'applicant' THEN EXISTS (
             SELECT FROM applicants_organisation o
             JOIN applicants_membership m ON m.organisation_id IN (o.id, o.merged_into_id)
             JOIN accounts_user u ON u.id = m.user_id AND u.is_active
             WHERE o.id = claim.organisation_id AND m.user_id = NEW.actor_id
               AND m.since <= day AND (m.until IS NULL OR m.until > day))
           ELSE EXISTS (
             SELECT FROM accounts_officer o JOIN accounts_user u ON u.id = o.user_id AND u.is_active
             WHERE o.user_id = NEW.actor_id AND o.role = NEW.role
               AND o.valid_from <= day AND (o.valid_until IS NULL OR o.valid_until > day)) END AS entitled
    INTO known FROM vouchers_claim AS claim WHERE claim.id = NEW.claim_id;
  IF known.version >= NEW.version AND known.goes_on AND known.duty = NEW.duty AND known.entitled THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'event % of claim %: %', NEW.version, NEW.claim_id, CASE
      WHEN known.duty IS NULL THEN format('%s from %s to %s by %s is no step', NEW.verb, NEW.source, NEW.target, NEW.role)
      WHEN known.goes_on IS NOT TRUE THEN 'it does not start where the one before it ended'
      WHEN known.duty <> NEW.duty THEN format('%s is not the duty of %s', NEW.duty, NEW.verb)
      WHEN known.entitled IS NOT TRUE THEN format('its actor was no %s on %s', NEW.role, day)
      ELSE 'it is ahead of its claim' END
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
DROP TRIGGER lawful ON vouchers_claimevent;
DROP TRIGGER moves_claim ON vouchers_claimevent;
DROP FUNCTION vouchers_event_moves_claim;
CREATE CONSTRAINT TRIGGER lawful AFTER INSERT ON vouchers_claimevent
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION vouchers_claim_event_lawful();

-- The events of vouchers are kept as before.
CREATE OR REPLACE FUNCTION vouchers_event_lawful() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  day date := (NEW.at AT TIME ZONE 'Asia/Shanghai')::date;
  before text;
BEGIN
  SELECT target INTO before FROM vouchers_voucherevent
    WHERE voucher_id = NEW.voucher_id AND version = NEW.version - 1;
  IF NEW.version = 1 THEN before := 'applied'; END IF;
  IF NEW.source IS DISTINCT FROM before THEN
    RAISE EXCEPTION 'event %: version % does not start where the one before it ended', NEW.id, NEW.version
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NOT (CASE NEW.role
    WHEN 'system' THEN NEW.actor_id IS NULL
    ELSE EXISTS (
      SELECT FROM accounts_officer o JOIN accounts_user u ON u.id = o.user_id AND u.is_active
      WHERE o.user_id = NEW.actor_id AND o.role = NEW.role
        AND o.valid_from <= day AND (o.valid_until IS NULL OR o.valid_until > day)) END) THEN
    RAISE EXCEPTION 'event %: its actor was no % on %', NEW.id, NEW.role, day
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;

-- At COMMIT the state of a claim is that of its latest event, in one look.
CREATE OR REPLACE FUNCTION vouchers_claim_follows_event() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (
      SELECT FROM vouchers_claim AS claim WHERE id = NEW.id AND (
        version = 0 AND state = 'draft'
        OR EXISTS (SELECT FROM vouchers_claimevent
                   WHERE claim_id = claim.id AND version = claim.version AND target = claim.state))) THEN
    RAISE EXCEPTION 'claim % is % without the event that led there', NEW.id, NEW.state
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;

-- As before, but a refusal is told by the constraint's own words: an exception block costs a subtransaction each time.
-- One payment alone needs no lock of its own: the sum takes it.
CREATE OR REPLACE FUNCTION vouchers_bind(
  invoices bigint[], payments bigint[], allocations bigint[], moment timestamptz)
RETURNS bigint[] LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  one bigint;
BEGIN
  FOREACH one IN ARRAY invoices LOOP
    -- Written even where it seems bound: another claim of the firm may be letting go of it this very moment.
    UPDATE vouchers_invoice SET bound_at = coalesce(bound_at, moment) WHERE id = one;
  END LOOP;
  IF cardinality(payments) > 1 THEN
    FOREACH one IN ARRAY payments LOOP
      PERFORM FROM vouchers_paymentmade WHERE id = one FOR UPDATE;
    END LOOP;
  END IF;
  FOREACH one IN ARRAY allocations LOOP
    UPDATE vouchers_allocation SET live = true WHERE id = one;
  END LOOP;
  RETURN ARRAY(SELECT allocated_fen FROM vouchers_invoice WHERE id = ANY (invoices)
               ORDER BY array_position(invoices, id));
END $$;

DROP FUNCTION vouchers_take_step;
-- Everything that one step of a claim writes: the papers it binds, the state by compare-and-set, the event, the decision
-- with the money it holds, the audit entry and the message. NULL leaves a column of the claim as it is. It runs with its
-- caller's rights, so every wall stands; the step is judged in Python before, and by the triggers.
--
-- A step that takes its turn locks the year's filing queue first, for the rest of the transaction, and gets its number:
-- number, place in the waiting list and money come in one order. Its decision was made before, on what the books and
-- the invoices' sums said then. Where they now say otherwise nothing but the binding is written and `again` is true:
-- decide again, under the locks.
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
  -- the papers that are bound first (NULL: none), and what live claims then use of each invoice
  invoices bigint[], payments bigint[], allocations bigint[], expected_sums bigint[],
  -- the turn, and the balances that the decision rests on
  takes_turn boolean, seen_pool bigint, seen_room bigint,
  -- the message, where there is one, and what it says if the claim waits for money
  subject_line text, body_text text, waiting_text text, address_line text,
  OUT event bigint, OUT queue_place bigint, OUT waits boolean, OUT again boolean)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  pool text := concat_ws(':', 'pool', scheme_code, year);
  cap text := concat_ws(':', 'cap', scheme_code, year, firm);
  granted bigint;
BEGIN
  again := invoices IS NOT NULL AND vouchers_bind(invoices, payments, allocations, moment) <> expected_sums;
  waits := new_waiting;
  IF takes_turn THEN
    PERFORM FROM vouchers_filingqueue WHERE scheme = scheme_code AND fiscal_year = year FOR NO KEY UPDATE;
    IF NOT FOUND THEN
      INSERT INTO vouchers_filingqueue (scheme, fiscal_year, last_number) VALUES (scheme_code, year, 0)
        ON CONFLICT DO NOTHING;
      PERFORM FROM vouchers_filingqueue WHERE scheme = scheme_code AND fiscal_year = year FOR NO KEY UPDATE;
    END IF;
    IF again THEN
      RETURN;
    END IF;
    -- Under the lock, so the books are read as they are now. Nobody passes a claim that waits.
    UPDATE vouchers_filingqueue SET last_number = last_number + 1
      FROM (SELECT (SELECT balance_fen FROM ledger_account WHERE key = pool) AS pool_fen,
                   (SELECT balance_fen FROM ledger_account WHERE key = cap) AS room_fen) AS books
      WHERE scheme = scheme_code AND fiscal_year = year AND books.room_fen IS NOT DISTINCT FROM seen_room
        AND (shortage = 'waitlist' OR books.pool_fen IS NOT DISTINCT FROM seen_pool)
      RETURNING last_number, shortage = 'waitlist' AND (
        coalesce(books.pool_fen, 0) < new_granted
        OR EXISTS (SELECT FROM vouchers_claim AS other JOIN vouchers_call AS theirs ON theirs.id = other.call_id
                   WHERE other.waiting AND other.id <> claim
                     AND theirs.scheme = scheme_code AND theirs.fiscal_year = year)) INTO queue_place, waits;
    IF NOT FOUND THEN
      again := true;
      RETURN;
    END IF;
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

-- One verb for many claims, none of which decides an amount or moves money: what `vouchers_take_step` writes for one of
-- them, claim by claim. The arrays go together; a subject that is NULL is no message. Answers how many claims moved:
-- fewer than asked when somebody else moved one in the meantime, and then the caller takes all of it back.
CREATE FUNCTION vouchers_take_steps(
  verb text, actor bigint, reason text, moment timestamptz, actor_text text,
  claims bigint[], versions integer[], sources text[], targets text[], roles text[], duties text[], untils date[],
  subjects text[], bodies text[])
RETURNS integer LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  moved integer;
BEGIN
  UPDATE vouchers_claim AS claim
    SET state = asked.target, version = asked.version, publicised_until = coalesce(asked.until, claim.publicised_until)
    FROM unnest(claims, versions, sources, targets, untils) AS asked (id, version, source, target, until)
    WHERE claim.id = asked.id AND claim.state = asked.source AND claim.version = asked.version - 1;
  GET DIAGNOSTICS moved = ROW_COUNT;
  IF moved < cardinality(claims) THEN
    RETURN moved;
  END IF;
  INSERT INTO vouchers_claimevent (claim_id, version, verb, source, target, role, actor_id, duty, reason, at)
    SELECT asked.id, asked.version, verb, asked.source, asked.target, asked.role, actor, asked.duty, reason, moment
    FROM unnest(claims, versions, sources, targets, roles, duties) AS asked (id, version, source, target, role, duty);
  INSERT INTO audit_auditentry (at, actor, action, subject, ok, detail, request_id, ip)
    SELECT moment, actor_text, 'claim.' || verb, 'claim:' || claim.id, true, jsonb_build_object(
             'number', claim.number, 'from', asked.source, 'to', asked.target, 'version', asked.version,
             'role', asked.role, 'reason', reason, 'granted_fen', claim.granted_fen), '', ''
    FROM unnest(claims, versions, sources, targets, roles) AS asked (id, version, source, target, role)
    JOIN vouchers_claim AS claim ON claim.id = asked.id;
  INSERT INTO vouchers_message (organisation_id, channel, address, subject, body, state, attempts, created_at, sent_at)
    SELECT firm.id, channel, CASE channel WHEN 'email' THEN firm.contact_email ELSE '' END, asked.subject, asked.body,
           CASE channel WHEN 'portal' THEN 'sent' ELSE 'waiting' END, 0, moment,
           CASE channel WHEN 'portal' THEN moment END
    FROM unnest(claims, subjects, bodies) AS asked (id, subject, body)
    JOIN vouchers_claim AS claim ON claim.id = asked.id
    JOIN applicants_organisation AS firm ON firm.id = claim.organisation_id
    JOIN (VALUES ('portal'), ('email')) AS ways (channel) ON channel = 'portal' OR firm.contact_email <> ''
    WHERE asked.subject IS NOT NULL;
  RETURN moved;
END $$;

-- As before, but the legs are only built where an answer is repeated; the audit entry is written as it stands.
CREATE OR REPLACE FUNCTION ledger_hold(
  claim text, pool text, cap text, fen bigint, whole_cap bigint, cause text, who text, moment timestamptz,
  OUT entry bigint, OUT recorded timestamptz, OUT replayed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
  held text := 'held:' || claim;
  used text := 'capused:' || claim;
  money_key text := 'hold:' || cause;
  room_key text := 'hold:' || cause || ':cap';
  about text := 'claim:' || claim;
  made integer;
BEGIN
  PERFORM FROM ledger_transfer WHERE key = 'fund:' || cap AND amount_fen = whole_cap;
  IF NOT FOUND THEN
    SELECT * INTO entry, recorded, replayed FROM ledger_post(
      jsonb_build_array(('hold', pool, held, fen, money_key, about, '', '', NULL, cap)::ledger_leg),
      jsonb_build_array(('fund', 'statute', cap, whole_cap, 'fund:' || cap, cap, '', '年度上限', NULL, NULL)::ledger_leg),
      who, moment);
    RETURN;
  END IF;
  entry := nextval('audit_auditentry_id_seq');
  recorded := clock_timestamp();
  replayed := set_config('ledger.posting', 'on', true) <> 'on';
  -- As in ledger_post, the keys are claimed first and the pool is locked last.
  INSERT INTO ledger_transfer
    (kind, source, target, amount_fen, key, subject, reason, note, original, actor, at, recorded_at, entry_id)
    VALUES ('hold', pool, held, fen, money_key, about, '', '', NULL, who, moment, recorded, entry),
           ('hold', cap, used, fen, room_key, about, '', '', NULL, who, moment, recorded, entry)
    ON CONFLICT (key) DO NOTHING;
  GET DIAGNOSTICS made = ROW_COUNT;
  IF made < 2 THEN
    entry := ledger_first_answer(ARRAY[
      ('hold', pool, held, fen, money_key, about, '', '', NULL, cap),
      ('hold', cap, used, fen, room_key, about, '', '', NULL, NULL)]::ledger_leg[]);
    SELECT recorded_at INTO recorded FROM audit_auditentry WHERE id = entry;
    replayed := set_config('ledger.posting', 'off', true) = 'off';
    RETURN;
  END IF;
  INSERT INTO audit_auditentry (id, at, recorded_at, actor, action, subject, ok, detail, request_id, ip)
    VALUES (entry, moment, recorded, who, 'ledger.post', about, true, jsonb_build_object('transfers', jsonb_build_array(
      jsonb_build_object('kind', 'hold', 'source', pool, 'target', held, 'amount_fen', fen, 'key', money_key,
                         'subject', about, 'reason', '', 'note', '', 'original', NULL, 'room', cap),
      jsonb_build_object('kind', 'hold', 'source', cap, 'target', used, 'amount_fen', fen, 'key', room_key,
                         'subject', about, 'reason', '', 'note', '', 'original', NULL, 'room', NULL))), '', '');
  -- A claim's first hold makes its two accounts, with what it holds.
  INSERT INTO ledger_account (key, kind, sign, balance_fen) VALUES (held, '', 0, fen), (used, '', 0, fen)
    ON CONFLICT DO NOTHING;
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
    UPDATE ledger_account SET balance_fen = balance_fen + fen WHERE key = used;
    UPDATE ledger_account SET balance_fen = balance_fen + fen WHERE key = held;
  ELSIF made = 1 THEN
    RAISE EXCEPTION 'ledger: claim % has money without room, or room without money', claim
      USING ERRCODE = 'LG003', DETAIL = json_build_object('key', money_key);
  END IF;
  replayed := set_config('ledger.posting', 'off', true) <> 'off';
END $$;

-- Every entry of the audit trail is stamped: the table is known by its number here, and not looked up by name each time.
CREATE OR REPLACE FUNCTION audit_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT has_table_privilege('public.audit_chainlink'::regclass, 'INSERT') THEN
    NEW.recorded_at := clock_timestamp();
  END IF;
  RETURN NEW;
END $$;

REVOKE ALL ON FUNCTION vouchers_claim_event_lawful, vouchers_take_step, vouchers_take_steps FROM PUBLIC;
