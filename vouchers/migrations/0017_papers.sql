-- Since now every paper that is filed leaves its sha256 in the chained audit trail; here for what was filed before.
INSERT INTO audit_auditentry (at, actor, action, subject, ok, detail, request_id, ip)
  SELECT made_at, 'system', 'document.file', subject, true, jsonb_build_object(
           'kind', kind, 'file_name', file_name, 'sha256', sha256, 'size', size, 'short_code', short_code), '', ''
  FROM vouchers_document ORDER BY id;
