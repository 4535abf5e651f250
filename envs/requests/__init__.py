"""Requests as people write them, over believable sites, for tasks from difficulty 2 on."""
