namespace LlmAspire.Web.Identity.External;

/// <summary>Why a sign-in at the provider brought no session.</summary>
internal enum SignInFailure
{
    /// <summary>The provider, or the person there, said no.</summary>
    Denied,

    /// <summary>The provider knows the person, and the Api does not take its token: no organisation in it, for example.</summary>
    NotKnown,

    /// <summary>The provider cannot be reached.</summary>
    ProviderAway,

    /// <summary>The Api does not answer.</summary>
    ServiceAway,

    /// <summary>The answer is not one to a sign-in that was begun here: begun too long ago, or in another browser.</summary>
    Broken,
}
