namespace LlmAspire.Api.Http;

/// <summary>Money is told to the last digit or not at all. A decimal has 28 digits; at prices with 18 decimals of a token that is 79 billion USD.</summary>
internal static class MoneyLimits
{
    /// <summary>Explains amounts that do not fit, instead of failing.</summary>
    public static RouteGroupBuilder ExplainMoneyThatDoesNotFit(this RouteGroupBuilder endpoints) => endpoints.AddEndpointFilter(async (invocation, next) =>
    {
        try
        {
            return await next(invocation);
        }
        // Npgsql's, of a numeric that is no decimal.
        catch (OverflowException)
        {
            return Problems.Create(
                invocation.HttpContext, StatusCodes.Status400BadRequest, "amount_too_large", "An amount of money has too many digits.",
                "Look among the prices for one with a wrong unit, which GET /prices shows and PUT /prices corrects; or give a shorter time or a filter.");
        }
    }).ProducesProblem(StatusCodes.Status400BadRequest);
}
