"""Items of TRIPOD+AI, the checklist for prediction models that use regression or machine learning.

Collins et al., BMJ 385, e078378 (2024), doi:10.1136/bmj-2023-078378: 27 items, some of them with
parts, 52 lines in all. The numbers follow three independent, public copies of the list, which
agree; the article itself was not available here. The subjects are our own short words, not those of
the article.
"""

from reports.sections.paper import data_answers as data
from reports.sections.paper import result_answers as results
from reports.sections.paper import training_answers as training
from reports.sections.paper.checklist_item import ChecklistItem

TRIPOD_AI = (
    ChecklistItem("1", "Title", (training.describe_technique,)),
    ChecklistItem("2", "Abstract"),
    ChecklistItem("3a", "Medical context and existing models"),
    ChecklistItem("3b", "Target population, purpose, users"),
    ChecklistItem("3c", "Known inequalities in health"),
    ChecklistItem("4", "Objectives", (training.describe_goal,)),
    ChecklistItem("5a", "Source of the data", (data.describe_source,)),
    ChecklistItem("5b", "Dates of the data"),
    ChecklistItem("6a", "Setting and centers", (data.describe_setting,)),
    ChecklistItem("6b", "Eligibility", (data.describe_eligibility,)),
    ChecklistItem("6c", "Treatments", (data.describe_treatments,)),
    ChecklistItem(
        "7",
        "Preparation and quality checks",
        (
            data.describe_preprocessing,
            data.describe_quality,
        ),
    ),
    ChecklistItem("8a", "Outcome", (data.describe_reference,)),
    ChecklistItem("8b", "Assessors of the outcome", (data.describe_annotators,)),
    ChecklistItem("8c", "Blinding of the outcome"),
    ChecklistItem("9a", "Choice of predictors", (training.describe_predictors,)),
    ChecklistItem("9b", "Definition of predictors", (data.describe_acquisition,)),
    ChecklistItem("9c", "Assessors of predictors", (training.describe_predictors,)),
    ChecklistItem("10", "Sample size", (data.describe_sample_size,)),
    ChecklistItem("11", "Missing data", (data.describe_missing,)),
    ChecklistItem("12a", "Use and splits of the data", (data.describe_partition,)),
    ChecklistItem("12b", "Treatment of predictors", (data.describe_preprocessing,)),
    ChecklistItem(
        "12c",
        "Model, training, tuning",
        (
            training.describe_networks,
            training.describe_training,
            training.describe_tuning,
            training.describe_selection,
        ),
    ),
    ChecklistItem("12d", "Differences among clusters: method", (results.describe_clusters,)),
    ChecklistItem(
        "12e",
        "Measures of performance",
        (
            results.describe_metrics,
            results.describe_uncertainty,
        ),
    ),
    ChecklistItem("12f", "Updating: method", (results.describe_updating,)),
    ChecklistItem("12g", "Calculation of predictions", (training.describe_prediction,)),
    ChecklistItem("13", "Imbalance of classes", (training.describe_imbalance,)),
    ChecklistItem("14", "Fairness", (results.describe_fairness,)),
    ChecklistItem("15", "Output of the model", (training.describe_output,)),
    ChecklistItem("16", "Training data and test data", (data.describe_split_differences,)),
    ChecklistItem("17", "Ethics approval and consent"),
    ChecklistItem("18a", "Funding"),
    ChecklistItem("18b", "Conflicts of interest"),
    ChecklistItem("18c", "Protocol", (training.describe_protocol,)),
    ChecklistItem("18d", "Registration"),
    ChecklistItem("18e", "Access to the data", (data.describe_data_access,)),
    ChecklistItem("18f", "Access to the code", (training.describe_code,)),
    ChecklistItem("19", "Involvement of patients and public"),
    ChecklistItem("20a", "Flow of participants", (data.describe_flow,)),
    ChecklistItem("20b", "Characteristics of participants", (data.describe_persons,)),
    ChecklistItem("20c", "Comparison with training data", (data.describe_split_differences,)),
    ChecklistItem("21", "Numbers in each analysis", (data.describe_partition,)),
    ChecklistItem("22", "Full model", (results.describe_models,)),
    ChecklistItem(
        "23a",
        "Performance with intervals",
        (
            results.describe_performance,
            results.describe_class_performance,
        ),
    ),
    ChecklistItem("23b", "Differences among clusters: result", (results.describe_clusters,)),
    ChecklistItem("24", "Updating: result", (results.describe_updating,)),
    ChecklistItem("25", "Interpretation"),
    ChecklistItem("26", "Limitations", (results.describe_limits,)),
    ChecklistItem("27a", "Poor or missing input", (results.describe_poor_input,)),
    ChecklistItem("27b", "Interaction and expertise of users", (results.describe_users,)),
    ChecklistItem("27c", "Next steps"),
)
"""All items with their parts, in the order of the checklist."""
