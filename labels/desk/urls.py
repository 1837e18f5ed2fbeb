"""Below /desk: printers and print jobs."""

from django.urls import path

from labels.desk import printing

urlpatterns = [
    path("printers", printing.printers, name="printers"),
    path("printers/<int:printer_id>/test", printing.test_label, name="printer_test"),
    path("print-agents/enrol", printing.enrol, name="print_agent_enrol"),
    path("print-agents/<int:agent_id>/renew", printing.renew, name="print_agent_renew"),
    path("print-agents/<int:agent_id>/revoke", printing.revoke, name="print_agent_revoke"),
    path("print-agents/wms-print-agent.pyz", printing.agent_file, name="print_agent_file"),
    path("print-jobs", printing.print_jobs, name="print_jobs"),
    *(path(f"print-jobs/<int:job_id>/{does}", printing.act, {"does": does}, name=f"print_job_{does}") for does in printing.ACTIONS),
]
