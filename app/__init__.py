"""Regional Indicators API: hedged, dated and cited figures of regional economic news."""
