-- What the database itself refuses of claims, invoices, calls and batches.

CREATE SEQUENCE vouchers_serial;

CREATE FUNCTION vouchers_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON vouchers_claimevent
  FOR EACH ROW EXECUTE FUNCTION vouchers_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON vouchers_voucherevent
  FOR EACH ROW EXECUTE FUNCTION vouchers_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON vouchers_decision
  FOR EACH ROW EXECUTE FUNCTION vouchers_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON vouchers_document
  FOR EACH ROW EXECUTE FUNCTION vouchers_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON vouchers_claimduty
  FOR EACH ROW EXECUTE FUNCTION vouchers_refuse_change();

-- One person never has two duties on a claim: the unique key (claim, user) refuses the second. Only these functions
-- of the owner write duties; the runtime role can neither add nor take one away.
CREATE FUNCTION vouchers_event_duty() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO vouchers_claimduty (claim_id, user_id, duty) VALUES (NEW.claim_id, NEW.actor_id, NEW.duty)
  ON CONFLICT (claim_id, user_id, duty) DO NOTHING;
  RETURN NULL;
END $$;

CREATE FUNCTION vouchers_batch_duty() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NEW.frozen_by_id IS DISTINCT FROM OLD.frozen_by_id AND NEW.frozen_by_id IS NOT NULL THEN
    INSERT INTO vouchers_claimduty (claim_id, user_id, duty)
    SELECT claim_id, NEW.frozen_by_id, 'finance_prepare' FROM vouchers_payment
    WHERE batch_id = NEW.id AND state <> 'dropped' ORDER BY claim_id
    ON CONFLICT (claim_id, user_id, duty) DO NOTHING;
  END IF;
  IF NEW.signed_by_id IS DISTINCT FROM OLD.signed_by_id AND NEW.signed_by_id IS NOT NULL THEN
    INSERT INTO vouchers_claimduty (claim_id, user_id, duty)
    SELECT claim_id, NEW.signed_by_id, 'finance_sign' FROM vouchers_payment
    WHERE batch_id = NEW.id AND state <> 'dropped' ORDER BY claim_id
    ON CONFLICT (claim_id, user_id, duty) DO NOTHING;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER duty AFTER INSERT ON vouchers_claimevent
  FOR EACH ROW WHEN (NEW.duty <> '') EXECUTE FUNCTION vouchers_event_duty();
CREATE TRIGGER duty AFTER UPDATE OF frozen_by_id, signed_by_id ON vouchers_batch
  FOR EACH ROW EXECUTE FUNCTION vouchers_batch_duty();

-- At COMMIT the state of a claim, and of a voucher, is that of its latest event: neither is written without the other.
CREATE FUNCTION vouchers_claim_follows_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE now_row vouchers_claim%ROWTYPE;
BEGIN
  SELECT * INTO now_row FROM vouchers_claim WHERE id = NEW.id;
  IF NOT FOUND OR (now_row.version = 0 AND now_row.state = 'draft') THEN RETURN NULL; END IF;
  IF NOT EXISTS (SELECT FROM vouchers_claimevent
                 WHERE claim_id = now_row.id AND version = now_row.version AND target = now_row.state) THEN
    RAISE EXCEPTION 'claim % is % without the event that led there', now_row.id, now_row.state
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION vouchers_voucher_follows_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE now_row vouchers_voucher%ROWTYPE;
BEGIN
  SELECT * INTO now_row FROM vouchers_voucher WHERE id = NEW.id;
  IF NOT FOUND OR (now_row.version = 0 AND now_row.state = 'applied') THEN RETURN NULL; END IF;
  IF NOT EXISTS (SELECT FROM vouchers_voucherevent
                 WHERE voucher_id = now_row.id AND version = now_row.version AND target = now_row.state) THEN
    RAISE EXCEPTION 'voucher % is % without the event that led there', now_row.id, now_row.state
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER follows_event AFTER INSERT OR UPDATE OF state, version ON vouchers_claim
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION vouchers_claim_follows_event();
CREATE CONSTRAINT TRIGGER follows_event AFTER INSERT OR UPDATE OF state, version ON vouchers_voucher
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION vouchers_voucher_follows_event();

-- Nor is an event written ahead of its claim, where it would block the next step.
CREATE FUNCTION vouchers_event_moves_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM vouchers_claim WHERE id = NEW.claim_id AND version >= NEW.version) THEN
    RAISE EXCEPTION 'event % of claim % is ahead of it', NEW.version, NEW.claim_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER moves_claim AFTER INSERT ON vouchers_claimevent
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION vouchers_event_moves_claim();

-- What live claims say was paid, summed where CHECKs bound it. Arithmetic updates, so that two claims add up.
CREATE FUNCTION vouchers_sum_allocations() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  gone bigint := CASE WHEN TG_OP <> 'INSERT' AND OLD.live THEN OLD.amount_fen ELSE 0 END;
  come bigint := CASE WHEN TG_OP <> 'DELETE' AND NEW.live THEN NEW.amount_fen ELSE 0 END;
BEGIN
  IF TG_OP = 'UPDATE' AND (NEW.invoice_id, NEW.payment_id, NEW.claim_id)
                          IS DISTINCT FROM (OLD.invoice_id, OLD.payment_id, OLD.claim_id) THEN
    RAISE EXCEPTION 'an allocation does not change what it allocates' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF come <> gone THEN
    UPDATE vouchers_invoice SET allocated_fen = allocated_fen + come - gone
    WHERE id = CASE WHEN TG_OP = 'DELETE' THEN OLD.invoice_id ELSE NEW.invoice_id END;
    UPDATE vouchers_paymentmade SET allocated_fen = allocated_fen + come - gone
    WHERE id = CASE WHEN TG_OP = 'DELETE' THEN OLD.payment_id ELSE NEW.payment_id END;
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION vouchers_keep_sum() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.allocated_fen <> OLD.allocated_fen AND pg_trigger_depth() < 2 THEN
    RAISE EXCEPTION 'allocated_fen of % is a sum and is not written by hand', TG_TABLE_NAME
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER sums AFTER INSERT OR UPDATE OR DELETE ON vouchers_allocation
  FOR EACH ROW EXECUTE FUNCTION vouchers_sum_allocations();
CREATE TRIGGER keep_sum BEFORE UPDATE OF allocated_fen ON vouchers_invoice
  FOR EACH ROW EXECUTE FUNCTION vouchers_keep_sum();
CREATE TRIGGER keep_sum BEFORE UPDATE OF allocated_fen ON vouchers_paymentmade
  FOR EACH ROW EXECUTE FUNCTION vouchers_keep_sum();

-- What live claims use is bound: its number cannot be let go and taken by another while money rests on it.
ALTER TABLE vouchers_invoice ADD CONSTRAINT invoice_used_is_bound CHECK (allocated_fen = 0 OR bound_at IS NOT NULL);

-- While a claim is under way, and once it is paid, what it says was paid stays: else the same fen could be claimed
-- again. It changes while the claim is returned, and is let go when the claim ends unpaid, at COMMIT.
CREATE FUNCTION vouchers_allocation_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.live AND (TG_OP = 'DELETE' OR NEW.amount_fen <> OLD.amount_fen)
     AND EXISTS (SELECT FROM vouchers_claim WHERE id = OLD.claim_id AND state <> 'returned') THEN
    RAISE EXCEPTION 'claim % is under way: its allocations stay', OLD.claim_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER stays AFTER UPDATE OR DELETE ON vouchers_allocation
  FOR EACH ROW WHEN (OLD.live) EXECUTE FUNCTION vouchers_allocation_stays();

CREATE FUNCTION vouchers_allocation_live() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM vouchers_allocation a JOIN vouchers_claim c ON c.id = a.claim_id
             WHERE a.id = NEW.id AND NOT a.live AND c.state NOT IN
               ('draft', 'discarded', 'returned', 'rejected', 'withdrawn', 'lapsed', 'recovered')) THEN
    RAISE EXCEPTION 'allocation % of a claim under way is not live', NEW.id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER live AFTER UPDATE ON vouchers_allocation DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.live AND NOT NEW.live) EXECUTE FUNCTION vouchers_allocation_live();

-- An invoice is bound only to the organisation it was made out to.
CREATE FUNCTION vouchers_bind_buyer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM applicants_organisation WHERE id = NEW.organisation_id AND uscc = NEW.buyer_id) THEN
    RAISE EXCEPTION 'invoice % is made out to somebody else', NEW.number USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER bind_buyer BEFORE INSERT OR UPDATE ON vouchers_invoice
  FOR EACH ROW WHEN (NEW.bound_at IS NOT NULL) EXECUTE FUNCTION vouchers_bind_buyer();

-- A call under which claims were submitted changes no more.
CREATE FUNCTION vouchers_call_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'call % is frozen: claims were submitted under it', OLD.id
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER frozen BEFORE UPDATE OR DELETE ON vouchers_call
  FOR EACH ROW WHEN (OLD.frozen_at IS NOT NULL) EXECUTE FUNCTION vouchers_call_frozen();

-- What was frozen stays as it was signed; only the bank's answer moves.
CREATE FUNCTION vouchers_payment_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE batch_state text;
BEGIN
  SELECT state INTO batch_state FROM vouchers_batch WHERE id = NEW.batch_id;
  IF TG_OP = 'INSERT' THEN
    IF batch_state <> 'open' THEN
      RAISE EXCEPTION 'batch % is closed to new payments', NEW.batch_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.amount_fen IS DISTINCT FROM (SELECT granted_fen FROM vouchers_claim WHERE id = NEW.claim_id) THEN
      RAISE EXCEPTION 'payment for claim % is not what was granted', NEW.claim_id
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  ELSIF (NEW.batch_id, NEW.claim_id, NEW.amount_fen) IS DISTINCT FROM (OLD.batch_id, OLD.claim_id, OLD.amount_fen)
     OR (batch_state <> 'open' AND
         (NEW.bank_account_id, NEW.payee_name, NEW.bank_name, NEW.account_number, NEW.account_fingerprint)
         IS DISTINCT FROM
         (OLD.bank_account_id, OLD.payee_name, OLD.bank_name, OLD.account_number, OLD.account_fingerprint)) THEN
    RAISE EXCEPTION 'payment % was frozen with its batch', NEW.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER frozen BEFORE INSERT OR UPDATE ON vouchers_payment
  FOR EACH ROW EXECUTE FUNCTION vouchers_payment_frozen();
