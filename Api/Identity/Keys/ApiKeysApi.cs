using System.Security.Cryptography;
using LlmAspire.Api.Data;
using LlmAspire.Api.Identity.Data;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace LlmAspire.Api.Identity.Keys;

/// <summary>Personal API keys: a signed-in person makes, lists and revokes their own; a key itself may not.</summary>
internal static class ApiKeysApi
{
    private const int DefaultDays = 90;
    private const int MostDays = 365;

    public static IEndpointRouteBuilder MapApiKeysApi(this IEndpointRouteBuilder app)
    {
        var keys = app.MapGroup("/identity/api-keys").WithTags("API keys").RequireAuthorization(IdentityExtensions.SessionPolicy);

        keys.MapPost("", CreateAsync)
            .WithName("CreateApiKey")
            .WithSummary("Makes a personal API key. The answer shows it, once.")
            .ProducesProblem(StatusCodes.Status400BadRequest);

        keys.MapGet("", ListAsync)
            .WithName("ListApiKeys")
            .WithSummary("Lists your API keys, the newest first, without the keys themselves.");

        keys.MapDelete("/{id:guid}", RevokeAsync)
            .WithName("RevokeApiKey")
            .WithSummary("Revokes an API key of yours, for ever.")
            .ProducesProblem(StatusCodes.Status404NotFound);

        return app;
    }

    private static async Task<Results<Created<CreatedApiKeyResponse>, ProblemHttpResult>> CreateAsync(
        CreateApiKeyRequest request, Caller caller, TenantContext accounts, TimeProvider time, HttpContext context, CancellationToken cancellationToken)
    {
        if (AccountValidator.ValidateName(request.Name, "name", context) is { } invalid)
        {
            return invalid;
        }

        if (request.ExpiresInDays is < 1 or > MostDays)
        {
            return AccountProblems.Bad(context, "expiry_invalid", "The expiry is not valid.", $"Send 1 to {MostDays} in the property expiresInDays.");
        }

        var now = time.GetUtcNow();
        var prefix = ApiKeys.Mark + RandomNumberGenerator.GetHexString(8, lowercase: true);
        var secret = prefix + Secrets.Create();
        var key = new ApiKey
        {
            Id = Guid.CreateVersion7(now),
            AccountId = caller.UserId,
            Name = request.Name!.Trim(),
            Prefix = prefix,
            Hash = Secrets.Hash(secret),
            CreatedAt = now,
            ExpiresAt = now.AddDays(request.ExpiresInDays ?? DefaultDays),
        };
        accounts.ApiKeys.Add(key);
        await accounts.SaveChangesAsync(cancellationToken);
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Created($"/identity/api-keys/{key.Id}", new CreatedApiKeyResponse(key.Id, key.Name, prefix, secret, key.ExpiresAt));
    }

    private static async Task<Ok<List<ApiKeyResponse>>> ListAsync(Caller caller, TenantContext accounts, CancellationToken cancellationToken)
    {
        var keys = await Own(accounts, caller).AsNoTracking().OrderByDescending(key => key.Id).ToListAsync(cancellationToken);
        return TypedResults.Ok(keys.ConvertAll(ApiKeyResponse.From));
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> RevokeAsync(
        Guid id, Caller caller, TenantContext accounts, ApiKeys known, TimeProvider time, HttpContext context, CancellationToken cancellationToken)
    {
        if (await Own(accounts, caller).SingleOrDefaultAsync(key => key.Id == id, cancellationToken) is not { } found)
        {
            return AccountProblems.KeyUnknown(context);
        }

        found.RevokedAt ??= time.GetUtcNow();
        await accounts.SaveChangesAsync(cancellationToken);
        known.Forget(found);
        return TypedResults.NoContent();
    }

    private static IQueryable<ApiKey> Own(TenantContext accounts, Caller caller) => accounts.ApiKeys.Where(key => key.AccountId == caller.UserId);
}
