"""The year's call (年度申报通知): what the bureau decides inside the law."""
