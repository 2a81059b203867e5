"""The internals of Snakemake that the workflow uses exist in the installed version."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import fields, is_dataclass
from importlib import import_module

import pytest
import snakemake.api  # noqa: F401  (snakemake.workflow cannot be imported first)

from ..clone import REPOSITORY, Clone

INTERNALS = sorted((REPOSITORY / "workflow/rules/internals").glob("*.smk"))

EXECUTOR = "snakemake_interface_executor_plugins.executors.remote.RemoteExecutor"
PLUGIN = "snakemake_interface_executor_plugins.registry.plugin.Plugin"
REMOTE_SETTINGS = "snakemake.settings.types.RemoteExecutionSettings"
SLURM_SETTINGS = "snakemake_executor_plugin_slurm.ExecutorSettings"

# Each attribute, and what it is: "property", "field" (of a dataclass), "slot", "attribute" (which a
# method assigns), or the parameters of a method.
USED = {
    "snakemake.workflow.Workflow._build_dag": "(self)",
    "snakemake.workflow.Workflow.dag": "property",
    "snakemake.workflow.Workflow.dag_settings": "field",
    "snakemake.workflow.Workflow.executor_plugin": "property",
    "snakemake.workflow.Workflow.executor_settings": "field",
    "snakemake.workflow.Workflow.is_main_process": "property",
    "snakemake.workflow.Workflow.output_settings": "field",
    "snakemake.workflow.Workflow.remote_execution_settings": "field",
    "snakemake.workflow.Workflow.resource_settings": "field",
    "snakemake.workflow.Workflow.rules": "property",
    "snakemake.workflow.Workflow.scheduler": "property",
    "snakemake.workflow.Workflow.touch": "property",
    "snakemake.workflow.Workflow.workdir_init": "property",
    "snakemake.persistence.PersistenceBase.lock": "(self)",
    "snakemake.persistence.PersistenceBase.locked": "property",
    "snakemake.persistence.PersistenceBase.path": "property",
    "snakemake.persistence.PersistenceBase.unlock": "(self)",
    "snakemake.settings.types.DAGSettings.force_incomplete": "field",
    "snakemake.settings.types.DAGSettings.rerun_triggers": "field",
    "snakemake.settings.types.DAGSettings.targets": "field",
    "snakemake.settings.types.OutputSettings.quiet": "field",
    "snakemake.settings.types.ResourceSettings.cores": "field",
    "snakemake.dag.DAG._priority": "attribute",
    "snakemake.dag.DAG.dependencies": "property",
    "snakemake.dag.DAG.jobs": "property",
    "snakemake.dag.DAG.needrun_jobs": "(self, exclude_finished=True)",
    "snakemake.dag.DAG.priorityfiles": "attribute",
    "snakemake.dag.DAG.print_reasons": "(self)",
    "snakemake.dag.DAG.reason": "(self, job)",
    "snakemake.dag.DAG.stats": "(self)",
    "snakemake.dag.DAG.update_priority": "(self)",
    "snakemake.jobs.Reason.forced": "slot",
    "snakemake.jobs.Job.benchmark": "property",
    "snakemake.jobs.Job.input": "property",
    "snakemake.jobs.Job.is_local": "property",
    "snakemake.jobs.Job.jobid": "property",
    "snakemake.jobs.Job.log": "property",
    "snakemake.jobs.Job.output": "property",
    "snakemake.jobs.Job.params": "property",
    "snakemake.jobs.Job.resources": "property",
    "snakemake.jobs.Job.rule": "slot",
    "snakemake.jobs.Job.wildcards": "property",
    "snakemake.jobs.GroupJob.jobs": "property",
    "snakemake.rules.Rule.name": "property",
    "snakemake.rules.Rule.output": "property",
    "snakemake.rules.Rule.script": "attribute",
    "snakemake.rules.Rule.set_params": "(self, *params, **kwparams)",
    "snakemake.script.PythonScript.evaluate": "(self, edit=False)",
    "snakemake.script.PythonScript.execute_script": "(self, fname, edit=False)",
    "snakemake.scheduling.job_scheduler.JobScheduler.failed": "attribute",
    "snakemake.scheduling.job_scheduler.JobScheduler._executor": "attribute",
    "snakemake.scheduling.job_scheduler.JobScheduler.job_rate_limiter": "attribute",
    f"{PLUGIN}.name": "property",
    f"{SLURM_SETTINGS}.logdir": "field",
    f"{REMOTE_SETTINGS}.seconds_between_status_checks": "field",
    f"{EXECUTOR}.active_jobs": "attribute",
    f"{EXECUTOR}.cancel": "(self)",
    f"{EXECUTOR}.cancel_jobs": "(self, active_jobs)",
    f"{EXECUTOR}.next_seconds_between_status_checks": "property",
    f"{EXECUTOR}.sleep": "(self)",
    f"{EXECUTOR}.wait": "attribute",
}


def kind_of(cls: type, name: str) -> str:
    """What an attribute of a class is, in the words of USED; "missing" if there is none."""
    if is_dataclass(cls) and name in {field.name for field in fields(cls)}:
        return "field"
    if name in getattr(cls, "__slots__", ()) and name in vars(cls):
        return "slot"
    member = inspect.getattr_static(cls, name, None)
    if isinstance(member, property):
        return "property"
    if inspect.isfunction(member):
        parameters = inspect.signature(member).parameters.values()
        without_types = [each.replace(annotation=each.empty) for each in parameters]
        return str(inspect.Signature(without_types))
    assigned = re.search(rf"\bself\.{name}(: [^=]+)? = ", inspect.getsource(cls))
    return "attribute" if assigned else "missing"


@pytest.mark.parametrize("attribute", USED)
def test_snakemake_has_the_internal(attribute: str) -> None:
    path, name = attribute.rsplit(".", 1)
    module, cls = path.rsplit(".", 1)
    assert kind_of(getattr(import_module(module), cls), name) == USED[attribute]


def test_a_missing_internal_is_detected() -> None:
    class Changed:
        def __init__(self) -> None:
            self.present = 0

        def method(self, job: int) -> None: ...

    assert kind_of(Changed, "present") == "attribute"
    assert kind_of(Changed, "absent") == "missing"
    assert kind_of(Changed, "method") != "(self)"


def test_every_internal_that_the_workflow_uses_is_listed() -> None:
    trees = [ast.parse(path.read_text()) for path in INTERNALS]
    used = {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node).startswith(
            ("workflow.", "settings.", "job.", "executor.", "each.", "DAG.", "persistence.")
        )
    }
    listed = {attribute.rsplit(".", 1)[1] for attribute in USED}
    assert {"dag", "scheduler", "dag_settings", "sleep"} & used
    assert used - {"__class__", "basedir"} - {"items", "update"} <= listed  # documented, Python's


def test_no_other_file_uses_snakemakes_internals() -> None:
    for path in [REPOSITORY / "Snakefile", *(REPOSITORY / "workflow").rglob("*.smk")]:
        if path not in INTERNALS:
            used = set(re.findall(r"(?<!/)\bworkflow\.(\w+)", path.read_text()))
            assert used <= {"basedir"}, path  # which is documented


def test_a_tested_snakemake_gives_no_warning_and_another_one_line(clone: Clone) -> None:
    assert "is untested" not in clone.snakemake("--dry-run", "plan").stdout
    clone.edit(
        "workflow/rules/internals/adapted_workflow.smk",
        'TESTED_SNAKEMAKE = "9.27"',
        'TESTED_SNAKEMAKE = "9.26"',
    )
    result = clone.snakemake("out_of_distribution")
    assert result.returncode == 0, result.stdout
    (line,) = (line for line in result.stdout.splitlines() if "is untested" in line)
    assert "-R train" in line and "pip install 'snakemake==9.26.*'" in line
