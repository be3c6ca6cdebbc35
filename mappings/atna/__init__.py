"""AuditEvents in the words of IHE's Audit Trail and Node Authentication: DICOM audit messages, sent by syslog."""
