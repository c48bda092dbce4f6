-- At COMMIT an order is done only with the money it asked for: no more, no less, no second time. A year's appropriation has
-- the year's own key in the ledger, so that it comes once, and names the document of its order.
CREATE OR REPLACE FUNCTION vouchers_order_moved() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE moved bigint;
BEGIN
  SELECT sum(amount_fen) INTO moved FROM ledger_transfer WHERE key = CASE NEW.kind
    WHEN 'fund' THEN concat_ws(':', 'fund', 'appropriation', NEW.scheme, NEW.fiscal_year)
    WHEN 'recover' THEN 'recover:event:' || NEW.event_id
    WHEN 'close' THEN 'carry:order:' || NEW.id
    ELSE NEW.kind || ':order:' || NEW.id END
    AND (NEW.kind <> 'fund' OR note = NEW.citation AND at >= NEW.signed_at);
  IF NEW.kind = 'settle' THEN
    SELECT sum(share_fen) INTO moved FROM vouchers_settlementshare WHERE order_id = NEW.id;
  END IF;
  IF coalesce(moved, 0) <> abs(NEW.amount_fen) THEN
    RAISE EXCEPTION 'order % asked for %, and % moved', NEW.id, NEW.amount_fen, moved
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION vouchers_order_moved FROM PUBLIC;
