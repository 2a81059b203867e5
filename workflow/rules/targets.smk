"""The target `train`."""

from dataclasses import replace


# `train` names this rule, so that `-R train` trains again; as a target it means every model. To
# Snakemake a target is a rule without wildcards, and one name cannot be both: so the target is
# exchanged for the files it means, when the command line reaches the workflow.
class NamedTargets(type(workflow)):
    @property
    def dag_settings(self):
        return self.__dict__.get("dag_settings")

    @dag_settings.setter
    def dag_settings(self, settings):
        if settings and "train" in settings.targets:
            files = set(settings.targets) - {"train"} | set(runs("model.safetensors"))
            settings = replace(settings, targets=files)
        self.__dict__["dag_settings"] = settings


workflow.__class__ = NamedTargets
