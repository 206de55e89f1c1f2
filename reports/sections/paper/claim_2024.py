"""Items of CLAIM 2024, the checklist for artificial intelligence in medical imaging.

Tejani et al., Radiology: Artificial Intelligence 6(4), e240300 (2024), doi:10.1148/ryai.240300. The
numbers of the 44 items follow two independent, public copies of the list, which agree; the article
itself was not available here. The subjects are our own short words, not those of the article.
"""

from reports.sections.paper import data_answers as data
from reports.sections.paper import result_answers as results
from reports.sections.paper import training_answers as training
from reports.sections.paper.checklist_item import ChecklistItem

CLAIM_2024 = (
    ChecklistItem("1", "Title: AI and its kind", (training.describe_technique,)),
    ChecklistItem("2", "Abstract"),
    ChecklistItem("3", "Background and role of the AI"),
    ChecklistItem("4", "Aims and hypotheses"),
    ChecklistItem("5", "Prospective or retrospective", (data.describe_design,)),
    ChecklistItem("6", "Goal of the study", (training.describe_goal,)),
    ChecklistItem("7", "Source of the data", (data.describe_source,)),
    ChecklistItem("8", "Inclusion and exclusion", (data.describe_eligibility,)),
    ChecklistItem(
        "9",
        "Preprocessing",
        (
            data.describe_preprocessing,
            data.describe_quality,
        ),
    ),
    ChecklistItem("10", "Subsets of the data", (data.describe_subsets,)),
    ChecklistItem("11", "De-identification"),
    ChecklistItem("12", "Missing data", (data.describe_missing,)),
    ChecklistItem("13", "Image acquisition", (data.describe_acquisition,)),
    ChecklistItem("14", "Reference standard", (data.describe_reference,)),
    ChecklistItem("15", "Reason for this standard"),
    ChecklistItem("16", "Origin of the annotations", (data.describe_annotators,)),
    ChecklistItem("17", "Annotation of the test set", (data.describe_test_labels,)),
    ChecklistItem("18", "Agreement of annotators", (data.describe_label_variability,)),
    ChecklistItem("19", "Assignment to splits", (data.describe_partition,)),
    ChecklistItem("20", "Level at which splits are disjoint", (data.describe_disjointness,)),
    ChecklistItem("21", "Sample size", (data.describe_sample_size,)),
    ChecklistItem("22", "Model", (training.describe_networks,)),
    ChecklistItem("23", "Software", (training.describe_software,)),
    ChecklistItem("24", "Initial parameters", (training.describe_initialization,)),
    ChecklistItem(
        "25",
        "Training",
        (
            training.describe_training,
            training.describe_tuning,
        ),
    ),
    ChecklistItem("26", "Selection of the final model", (training.describe_selection,)),
    ChecklistItem("27", "Ensembles", (training.describe_ensembling,)),
    ChecklistItem("28", "Metrics", (results.describe_metrics,)),
    ChecklistItem("29", "Uncertainty and significance", (results.describe_uncertainty,)),
    ChecklistItem("30", "Robustness", (results.describe_robustness,)),
    ChecklistItem("31", "Explainability", (results.describe_explainability,)),
    ChecklistItem("32", "Test on internal data", (results.describe_internal_test,)),
    ChecklistItem("33", "Test on external data", (results.describe_external_test,)),
    ChecklistItem("34", "Registration of a trial"),
    ChecklistItem("35", "Numbers included and excluded", (data.describe_flow,)),
    ChecklistItem("36", "Characteristics of the cases", (data.describe_persons,)),
    ChecklistItem("37", "Performance with uncertainty", (results.describe_performance,)),
    ChecklistItem("38", "Diagnostic performance", (results.describe_class_performance,)),
    ChecklistItem("39", "Analysis of errors", (results.describe_failures,)),
    ChecklistItem("40", "Limitations", (results.describe_limits,)),
    ChecklistItem("41", "Implications for practice", (results.describe_use,)),
    ChecklistItem("42", "Protocol", (training.describe_protocol,)),
    ChecklistItem(
        "43",
        "Access to software, models and data",
        (
            training.describe_code,
            results.describe_models,
            data.describe_data_access,
        ),
    ),
    ChecklistItem("44", "Funding"),
)
"""All items, in the order of the checklist."""
