namespace LlmAspire.Usage;

/// <summary>What a report can be grouped by. A time begins in the zone of the report; a week on Monday.</summary>
public enum ReportKey
{
    Hour,
    Day,
    Week,
    Month,

    /// <summary>The alias that was asked for.</summary>
    Model,

    Provider,

    /// <summary>The model that answered.</summary>
    ServedModel,

    User,

    Organisation,

    Operation,

    Outcome,
}
