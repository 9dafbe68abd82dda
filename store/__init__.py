"""SQL ground floor: engine, unit of work, migrations, outbox, jobs; knows no business."""
